-- The settings in force in this session: a pooler may have dropped some of those that were set.
SELECT
    current_setting('jit') AS jit,
    current_setting('statement_timeout') AS statement_timeout,
    current_setting('lock_timeout') AS lock_timeout,
    current_setting('idle_in_transaction_session_timeout') AS idle_in_transaction_session_timeout
