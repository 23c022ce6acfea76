"""The settings of a BFF or its worker, read from the environment; each problem is one sentence that names the variable.

Raises BadInput.
"""

from pydantic import ValidationError
from pydantic_settings import SettingsError

from matapalo.launcher.errors import BadInput
from matapalo.settings import Settings, unknown_variables


def load() -> Settings:
    """The settings, when nothing is wrong with any of them."""
    problems = [f"{name} is not a setting of the BFF: is it misspelt?" for name in unknown_variables()]
    try:
        settings = Settings()
    except ValidationError as error:
        problems += [_sentence(part["loc"], part["msg"]) for part in error.errors(include_input=False)]
    except SettingsError as error:
        problems.append(f"{error}: give it as JSON")
    else:
        if not problems:
            return settings
    raise BadInput("\n".join(problems))


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    reason = message.removeprefix("Value error, ")
    if not location:
        return reason
    name = str(location[0]).upper()
    return f"{name if name == 'MATAPALO_ENV' else f'BFF_{name}'}: {reason}"
