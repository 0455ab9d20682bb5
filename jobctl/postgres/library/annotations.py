"""Annotations, and the review of what a person has to decide."""

from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from jobctl.core.library import Annotation, NewAnnotation, NewReviewItem, ReviewItem, ReviewStatus
from jobctl.postgres.library.queries import Queries
from jobctl.postgres.tables import annotations, import_review

UNDECIDED = import_review.c.status.in_(["open", "waiting"])


class Annotations(Queries):
    """Highlights and notes of a person, and lines of the review."""

    def annotations(self, document_id: int) -> list[Annotation]:
        """A person's highlights and notes, in reading order."""
        mine = annotations.c.document_id == document_id
        query = select(annotations).where(mine).order_by(annotations.c.start_offset, annotations.c.uid)
        return self._all(Annotation, query)

    def annotate(self, annotation: NewAnnotation) -> None:
        """Adds an annotation, or updates the one with this uid."""
        values = {
            name: value
            for name, value in asdict(annotation).items()
            if name != "id" and not (name in ("created_at", "updated_at") and value is None)
        }
        query = upsert(annotations).values(values)
        given = {name: query.excluded[name] for name in values if name != "uid"}
        changed = {"updated_at": func.jobctl.clock(), **given}
        self.connection.execute(query.on_conflict_do_update(index_elements=["uid"], set_=changed))

    def move_annotation(self, uid: str, start: int | None, end: int | None) -> None:
        """Moves an annotation to another position; its text stays."""
        values = {"start_offset": start, "end_offset": end, "updated_at": func.jobctl.clock()}
        self.connection.execute(update(annotations).where(annotations.c.uid == uid).values(**values))

    def remove_annotation(self, uid: str) -> None:
        """Deletes an annotation; not an error if it does not exist."""
        self.connection.execute(delete(annotations).where(annotations.c.uid == uid))

    def reviews(
        self, *, source: str | None = None, status: ReviewStatus = "open", document_id: int | None = None
    ) -> list[ReviewItem]:
        """What waits for a person, or for its document."""
        query = select(import_review).where(import_review.c.status == status).order_by(import_review.c.id)
        if source is not None:
            query = query.where(import_review.c.source == source)
        if document_id is not None:
            query = query.where(import_review.c.document_id == document_id)
        return self._all(ReviewItem, query)

    def review(self, item: NewReviewItem) -> None:
        """Adds a line for a person, or renews the undecided one; what was decided already is not asked again."""
        values = _columns(item)
        query = upsert(import_review).values(dict(values))
        changed = {name: query.excluded[name] for name in values if name not in ("source", "source_id")}
        self.connection.execute(
            query.on_conflict_do_update(constraint="import_review_source_key", set_=changed, where=UNDECIDED)
        )

    def update_review(self, review_id: int, item: NewReviewItem) -> None:
        """Changes a line that is not decided yet."""
        undecided = and_(import_review.c.id == review_id, UNDECIDED)
        self.connection.execute(update(import_review).where(undecided).values(dict(_columns(item))))

    def decide(self, review_id: int, status: ReviewStatus) -> ReviewItem | None:
        """Records a decision on an undecided line; None when there is no such line."""
        query = (
            update(import_review)
            .where(import_review.c.id == review_id, UNDECIDED)
            .values(status=status, reviewed_at=func.jobctl.clock())
            .returning(import_review)
        )
        return self._first(ReviewItem, query)


def _columns(item: NewReviewItem) -> Mapping[str, object]:
    """What is written: without a suggestion the one in the library stays."""
    return {name: value for name, value in asdict(item).items() if not (name == "suggestion" and value is None)}
