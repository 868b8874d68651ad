"""What may stand at a place of `handrail.yaml`, as the models say."""

from types import NoneType, UnionType
from typing import Annotated, Final, Union, get_args, get_origin

from pydantic import BaseModel

from bot.catalog.model import ConfigEntry
from bot.catalog.problem import Where

_UNIONS: Final = (Union, UnionType)


def model_at(where: Where) -> type[BaseModel]:
    """Return the model of the mapping at *where*."""
    kind: object = ConfigEntry
    for part in where:
        kind = _below(kind, part)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    raise LookupError(f"no mapping of known keys stands at {where}")


def keys(model: type[BaseModel]) -> list[str]:
    """Return the keys of *model* as the file has them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _below(kind: object, part: str | int) -> object:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = {it.alias or name: it for name, it in kind.model_fields.items()}
        return _bare(fields[str(part)].annotation)
    return _bare(get_args(kind)[-1])  # of a list its items, of a mapping its values


def _bare(kind: object) -> object:
    """Return *kind* without what pydantic is told beside it, and without None."""
    while get_origin(kind) in (Annotated, *_UNIONS):
        kind = next(it for it in get_args(kind) if it is not NoneType)
    return kind
