"""Run by ``jobctl.postgres.migrate``, which hands over the connection; there is no alembic.ini."""

from alembic import context

from jobctl.postgres.tables import metadata

SCHEMA = "jobctl"


def mine(name: str | None, type_: str, parent_names: dict[str, str | None]) -> bool:
    """Only our schema is compared."""
    return name == SCHEMA if type_ == "schema" else parent_names.get("schema_name") in (SCHEMA, None)


settings = {
    "target_metadata": metadata,
    "version_table": "alembic_version",
    "version_table_schema": SCHEMA,
    "include_schemas": True,
    "include_name": mine,
    "transaction_per_migration": False,
}

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", literal_binds=True, **settings)
    with context.begin_transaction():
        context.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        context.run_migrations()
else:
    context.configure(connection=context.config.attributes["connection"], **settings)
    with context.begin_transaction():
        context.run_migrations()
