"""What vaults and the library agreed on."""

from dataclasses import asdict

from sqlalchemy import and_, delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from jobctl.core.library import VaultSync
from jobctl.postgres.library.queries import Queries
from jobctl.postgres.tables import vault_sync


class Vaults(Queries):
    """The last agreement of each note."""

    def synced(self, vault: str) -> list[VaultSync]:
        """What a vault and the library agreed on last, note by note."""
        query = select(vault_sync).where(vault_sync.c.vault == vault).order_by(vault_sync.c.document_id)
        return self._all(VaultSync, query)

    def sync(self, note: VaultSync) -> None:
        """Records what both sides agree on now."""
        query = upsert(vault_sync).values({**asdict(note), "synced_at": func.jobctl.clock()})
        changed = {c.name: query.excluded[c.name] for c in vault_sync.c if c.name not in ("document_id", "vault")}
        self.connection.execute(query.on_conflict_do_update(index_elements=["document_id", "vault"], set_=changed))

    def unsync(self, document_id: int, vault: str) -> None:
        """Forgets a note."""
        mine = and_(vault_sync.c.document_id == document_id, vault_sync.c.vault == vault)
        self.connection.execute(delete(vault_sync).where(mine))
