SELECT s.id AS source, n.id AS target
FROM jobctl.chunks s CROSS JOIN LATERAL (
    SELECT c.id FROM jobctl.chunks c
    WHERE {schema}.vector_dims(c.embedding) = {dims} AND c.engine = s.engine AND c.document_id <> s.document_id
    ORDER BY c.embedding::{schema}.vector({dims}) OPERATOR({schema}.<=>) s.embedding::{schema}.vector({dims})
    LIMIT %(count)s
) n
WHERE s.id = ANY(%(passages)s::bigint[]) AND s.embedding IS NOT NULL
