"""A JSON Schema of recipes, built from the components that are installed."""

from steerkit_core.recipe.schema.recipe import recipe_schema

__all__ = ["recipe_schema"]
