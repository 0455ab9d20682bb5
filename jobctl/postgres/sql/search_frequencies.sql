SELECT coalesce(string_agg(int4send(f.term), ''::bytea ORDER BY f.term), '') AS terms,
    coalesce(string_agg(int4send(f.passages), ''::bytea ORDER BY f.term), '') AS passages
FROM (
    SELECT term, (sum(octet_length(postings)) / 8)::integer AS passages FROM jobctl.search_terms GROUP BY term
) f
