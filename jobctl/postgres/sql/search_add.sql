INSERT INTO jobctl.search_documents (document_id, version, dictionary, passages, words)
VALUES (%(document)s, %(version)s, %(dictionary)s, %(passages)s, %(words)s)
