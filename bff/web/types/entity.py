"""What makes a type a federation entity."""

from strawberry import UNSET
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

#: ``@key(fields: "id")``: other subgraphs may refer to it by its id, and
#: `bff.web.schema` says how it is loaded. ``resolvable`` is left to its default, true.
BY_ID = Key(fields=FieldSet("id"), resolvable=UNSET)
