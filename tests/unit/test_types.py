"""The built-in job types, as people see them."""

from importlib.metadata import entry_points

import pytest

from jobctl import wiring
from jobctl.core.names import counted, display_name

NAMES = {
    ("process_document", '{"path": "books/The Man Who Sold the World.pdf"}'): "Processing: The Man Who Sold the World.pdf",
    ("import_document", '{"path": "Oppose Book Worship.zip"}'): "Import: Oppose Book Worship (with embeddings)",
    ("reprocess_connections", '{"document_id": 4, "mode": "smart"}'): "Connections: document 4 (Smart Mode)",
    ("reprocess_connections", '{"mode": "all"}'): "Connections: all documents (Reprocess All)",
    ("reprocess_connections", '{"mode": "add_new"}'): "Connections: all documents (Add New)",
    ("export_documents", '{"document_ids": [1, 2, 3, 4, 5], "include_connections": true}'): "Export: 5 documents (with connections)",
    ("detect_connections", '{"document_id": 1}'): "Detecting: document 1",
    ("obsidian_export", '{"vault": "/home/me/Notes"}'): "Obsidian Export: Notes",
    ("obsidian_sync", '{"vault": "/home/me/Notes"}'): "Obsidian Sync: Notes",
    ("readwise_import", '{"path": "readwise.csv"}'): "Readwise Import: readwise.csv",
}  # fmt: skip


BUILTIN = [entry.name for entry in entry_points(group="jobctl.pipelines") if entry.value.startswith("jobctl.")]


def test_every_builtin_type_has_its_label():
    assert {name: wiring.pipeline(name).label for name in BUILTIN} == {
        "process_document": "Processing",
        "import_document": "Import",
        "export_documents": "Export",
        "reprocess_connections": "Connections",
        "detect_connections": "Detecting",
        "obsidian_export": "Obsidian Export",
        "obsidian_sync": "Obsidian Sync",
        "readwise_import": "Readwise Import",
        "command": "Command",
    }


@pytest.mark.parametrize(("given", "name"), NAMES.items())
def test_display_names_say_what_a_job_is_about(given, name):
    job_type, payload = given
    pipeline = wiring.pipeline(job_type)
    args = pipeline.args.model_validate_json(payload)
    assert display_name(pipeline.label, pipeline.title(args), pipeline.mode(args)) == name


@pytest.mark.parametrize("job_type", [name for name in BUILTIN if name != "command"])
def test_every_type_works_in_batches_with_counts_and_can_be_tried(job_type):
    pipeline = wiring.pipeline(job_type)
    batched = [stage for stage in pipeline.stages if stage.size is not None]
    assert batched, "no stage of it says how far it is"
    assert all(" 3 of 1,200" in counted(stage.label, stage.noun, 3, 1200) for stage in batched)
    assert pipeline.example, "nothing to try"
    assert pipeline.validate(pipeline.example)
    assert pipeline.help.endswith(".")
    assert all(field.description for field in pipeline.args.model_fields.values())
