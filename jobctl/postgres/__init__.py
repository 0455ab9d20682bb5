"""The database: the only room that imports psycopg, SQLAlchemy or Alembic."""
