SELECT count(*) AS count FROM jobctl.documents
