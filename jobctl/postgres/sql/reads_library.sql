SELECT has_schema_privilege('jobctl', 'USAGE') AND has_table_privilege('jobctl.documents', 'SELECT') AS may
