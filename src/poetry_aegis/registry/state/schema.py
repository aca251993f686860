"""The tables of ``state.db``, as the steps that lead to them.

A step is a list of statements. Those that were ever released stay as they are: what changes is
added at the end, and a database at step N is brought up to date by the steps after it.
"""

from __future__ import annotations

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE audit (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            time TEXT NOT NULL,
            action TEXT NOT NULL,
            user TEXT,
            token TEXT,
            address TEXT,
            project TEXT,
            file TEXT,
            detail TEXT NOT NULL
        )
        """,
        "CREATE INDEX audit_of_project ON audit (project, id)",
        "CREATE INDEX audit_of_user ON audit (user, id)",
        "CREATE INDEX audit_of_action ON audit (action, id)",
        """
        CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END
        """,
        """
        CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END
        """,
        """
        CREATE TABLE downloads (
            project TEXT NOT NULL,
            day TEXT NOT NULL,
            version TEXT NOT NULL,
            client TEXT NOT NULL,
            python TEXT NOT NULL,
            downloads INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            PRIMARY KEY (project, day, version, client, python)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX downloads_of_day ON downloads (day)",
        """
        CREATE TABLE followed_logs (
            log TEXT NOT NULL,
            first_line TEXT NOT NULL,
            position INTEGER NOT NULL,
            PRIMARY KEY (log, first_line)
        ) WITHOUT ROWID
        """,
    ),
    (
        """
        CREATE TABLE catalog (
            project TEXT PRIMARY KEY,
            version TEXT NOT NULL,
            summary TEXT NOT NULL,
            folded TEXT NOT NULL,
            status TEXT NOT NULL,
            updated TEXT NOT NULL,
            files INTEGER NOT NULL,
            size INTEGER NOT NULL
        ) WITHOUT ROWID
        """,
        "CREATE INDEX catalog_by_update ON catalog (updated DESC, project)",
    ),
    ("CREATE TABLE token_uses (token TEXT PRIMARY KEY, used TEXT NOT NULL) WITHOUT ROWID",),
)
