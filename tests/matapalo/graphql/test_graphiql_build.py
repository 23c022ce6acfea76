"""GraphiQL's built files belong to its sources. Fast and without Node: both were hashed when they were built."""

import json
import subprocess
import sys

from matapalo.graphql.graphiql.build import DIST, HERE, Record, differences, read_record, sources, take_record


def test_no_source_and_no_built_file_changed_without_a_build():
    changed = differences(read_record(), take_record())

    assert not changed, "Run `python -m matapalo.graphql.graphiql.build`, or undo the edit:\n" + "\n".join(changed)


def test_a_changed_a_missing_and_a_new_file_are_named():
    recorded: Record = {"sources": {"main.js": "1", "old.js": "2"}, "built": {"graphiql.js": "3"}}
    present: Record = {"sources": {"main.js": "9", "new.js": "2"}, "built": {"graphiql.js": "3"}}

    assert differences(recorded, present) == [
        "sources: main.js (changed)",
        "sources: new.js (new)",
        "sources: old.js (gone)",
    ]


def test_the_record_covers_the_lock_and_the_build_settings():
    assert {"package.json", "package-lock.json", "vite.config.js"} <= {path.name for path in sources()}


def test_the_lock_pins_contents_and_names_no_registry():
    lock = json.loads((HERE / "package-lock.json").read_bytes())
    packages = {name: package for name, package in lock["packages"].items() if name}

    assert packages
    assert [name for name, package in packages.items() if "integrity" not in package] == []
    assert [name for name, package in packages.items() if "resolved" in package] == []


def test_the_licences_of_what_was_bundled_are_shipped():
    text = (DIST / "LICENSES.md").read_text()

    for package in ("graphiql", "graphql-sse", "monaco-editor", "react-dom"):
        assert f"## {package} " in text, package


def test_no_source_map_is_shipped():
    assert [path.name for path in DIST.iterdir() if path.suffix == ".map"] == []


def test_without_node_the_build_says_what_to_do():
    done = subprocess.run(
        [sys.executable, "-m", "matapalo.graphql.graphiql.build"],
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE.parents[2],
        env={"PATH": ""},
    )

    assert done.returncode == 1
    assert done.stderr.startswith("Building GraphiQL needs npm on PATH")
    assert "Traceback" not in done.stderr
