"""Media files: properties, rules of the platform, descriptions, inspection, thumbnails."""
