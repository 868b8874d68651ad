"""The published JSON Schema of `handrail.yaml`; run this module to write it anew."""

import json
from pathlib import Path
from typing import Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from bot.catalog.model import ConfigEntry

FILE: Final = Path(__file__).with_name("handrail.schema.json")


def schema() -> JsonSchemaValue:
    """Return the schema that the models describe, in JSON Schema's 2020-12 form."""
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        **ConfigEntry.model_json_schema(schema_generator=_Generator),
    }


def text() -> str:
    """Return the schema as the file has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


class _Generator(GenerateJsonSchema):
    """Describes what people write: no nulls, no titles, no other names."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        # What a default means is in the description: most come from elsewhere.
        return self.generate_inner(schema["schema"])

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        described = super().model_schema(schema)
        described.pop("title", None)  # a Python name, of no use to who writes YAML
        return described

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        described = super().dict_schema(schema)
        if "patternProperties" in described:
            described["additionalProperties"] = False
        return described

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's
        return False


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
