"""The objects of the API as frozen attrs classes, loaded when first asked for."""
