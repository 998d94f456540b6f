create table projects (
    org_id blob not null references orgs (id) on delete cascade,
    id blob not null,
    name text not null,
    created_at integer not null,
    primary key (org_id, id)
);
