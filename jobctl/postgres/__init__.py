"""The database: the only package that imports psycopg, SQLAlchemy or Alembic."""
