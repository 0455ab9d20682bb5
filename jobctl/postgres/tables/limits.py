"""The table of limits."""

from sqlalchemy import Boolean, CheckConstraint, Column, Double, Integer, Table, Text, text

from jobctl.postgres.tables.columns import instant, metadata, string

limits = Table(
    "limits",
    metadata,
    Column("kind", Text, primary_key=True, comment="queue or type"),
    Column("name", Text, primary_key=True, comment="Which one"),
    Column("max_running", Integer, comment="Jobs that may run at once; null: any number"),
    Column("rate", Double, comment="Jobs that may start in a second; null: any number"),
    Column("weight", Integer, comment="How many turns a queue has for each turn of one without a weight"),
    Column(
        "tokens",
        Double,
        nullable=False,
        server_default=text("1"),
        comment="Starts that were allowed and not used at refilled_at",
    ),
    instant("refilled_at", "When a start was last subtracted from tokens", required=True),
    Column(
        "declared",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Whether the code of the job type declares it; a limit of a person takes its place",
    ),
    string("actor", "Who", required=True, default="''"),
    CheckConstraint("kind IN ('queue', 'type')", name="kind"),
    CheckConstraint("max_running >= 1 AND rate > 0 AND weight BETWEEN 1 AND 1000", name="values_in_range"),
    comment="Limits of queues and job types",
)
