-- What holds in this session, whatever was asked for: a pooler may have dropped it.
SELECT
    current_setting('jit') AS jit,
    current_setting('statement_timeout') AS statement_timeout,
    current_setting('lock_timeout') AS lock_timeout,
    current_setting('idle_in_transaction_session_timeout') AS idle_in_transaction_session_timeout
