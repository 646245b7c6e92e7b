CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    arguments TEXT NOT NULL,
    graph TEXT NOT NULL,
    config TEXT NOT NULL,
    state TEXT NOT NULL,
    created INTEGER NOT NULL,
    run TEXT NOT NULL,
    background INTEGER NOT NULL,
    not_before INTEGER NOT NULL DEFAULT 0,
    started INTEGER NOT NULL DEFAULT 0,
    ended INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL DEFAULT 0,
    owner TEXT NOT NULL DEFAULT '',
    lease_until INTEGER NOT NULL DEFAULT 0,
    beat INTEGER NOT NULL DEFAULT 0,
    cancelling INTEGER NOT NULL DEFAULT 0,
    stage TEXT NOT NULL DEFAULT '',
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    base INTEGER NOT NULL DEFAULT 0,
    since INTEGER NOT NULL DEFAULT 0,
    prompt_tokens INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    usd REAL NOT NULL DEFAULT 0,
    calls INTEGER NOT NULL DEFAULT 0,
    inputs TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL DEFAULT '{}',
    error TEXT NOT NULL DEFAULT '',
    schedule TEXT NOT NULL DEFAULT '',
    tick INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX jobs_live ON jobs (key) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_by_state ON jobs (state, created);
CREATE INDEX jobs_by_key ON jobs (key, created);
CREATE TABLE steps (
    job TEXT NOT NULL REFERENCES jobs,
    key TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    result TEXT NOT NULL,
    error TEXT NOT NULL,
    time INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    PRIMARY KEY (job, key)
) WITHOUT ROWID;
CREATE TABLE lines (
    job TEXT NOT NULL REFERENCES jobs,
    number INTEGER NOT NULL,
    time INTEGER NOT NULL,
    level TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;
CREATE TABLE schedules (
    id TEXT PRIMARY KEY,
    cron TEXT NOT NULL,
    zone TEXT NOT NULL,
    kind TEXT NOT NULL,
    arguments TEXT NOT NULL,
    graph TEXT NOT NULL,
    config TEXT NOT NULL,
    created INTEGER NOT NULL,
    paused INTEGER NOT NULL DEFAULT 0,
    next INTEGER NOT NULL
);
CREATE TABLE ticks (
    schedule TEXT NOT NULL,
    tick INTEGER NOT NULL,
    job TEXT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (schedule, tick)
) WITHOUT ROWID;
CREATE TABLE workers (
    owner TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    seen INTEGER NOT NULL
) WITHOUT ROWID;
