SELECT quote_ident(n.nspname) AS home, i.relname AS name
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_index x ON x.indrelid = a.attrelid
LEFT JOIN pg_class i ON i.oid = x.indexrelid AND i.relname LIKE 'chunks\_nearest\_%%'
WHERE a.attrelid = 'jobctl.chunks'::regclass AND a.attname = 'embedding' AND NOT a.attisdropped
