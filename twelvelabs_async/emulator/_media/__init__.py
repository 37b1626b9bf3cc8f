"""Media files: properties, descriptions, inspection, thumbnails."""
