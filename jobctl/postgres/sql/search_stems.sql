SELECT w.word, ts_lexize(%(dictionary)s::regdictionary, w.word) FROM unnest(%(words)s::text[]) AS w (word)
