create table projects (
    org_id uuid not null references orgs (id) on delete cascade,
    id uuid not null,
    name text not null,
    created_at timestamptz not null,
    primary key (org_id, id)
);
select protect_tenant_table('projects');
