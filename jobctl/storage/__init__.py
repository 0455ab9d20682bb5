"""Storage back ends: a local folder, an S3 bucket."""
