"""A connection that is lost between its opening and its first checks is an outage, not an error of the job."""

import pytest

from jobctl.core.errors import StoreUnavailable
from jobctl.postgres.connect import connect
from jobctl.postgres.leases import Leases


def test_a_session_that_is_ended_while_it_is_made_is_an_outage(database_url, conn):
    def cut():
        connection = connect(database_url)
        conn.execute("SELECT pg_terminate_backend(%s, 60000)", [connection.info.backend_pid])
        connection.execute("SELECT 1")  # as the check of the schema
        return connection

    with pytest.raises(StoreUnavailable, match="the database can't be reached: terminating connection"):
        _ = Leases(cut).connection
