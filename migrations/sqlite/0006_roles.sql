-- The same view as migrations/postgres/0006_roles.sql, and a lock on the audit log that only SQLite needs.

-- An organisation's people: a view there because the tenant's role may not read users, and here because
-- one statement serves both engines.
create view org_people as
    select m.org_id, m.user_id, m.role, m.created_at, u.name, u.email
    from members m join users u on u.id = m.user_id;

-- `insert or replace` deletes without a delete trigger, by the primary key or by the hidden rowid. So
-- the table has no rowid any more, and an entry that is there is not written again.
create table audit_events_without_rowid (
    org_id blob not null,
    id blob not null,
    at integer not null,
    action text not null,
    actor_id blob,
    detail text not null,
    personal text,
    primary key (org_id, id)
) without rowid;
insert into audit_events_without_rowid (org_id, id, at, action, actor_id, detail, personal)
    select org_id, id, at, action, actor_id, detail, personal from audit_events;
drop table audit_events;
alter table audit_events_without_rowid rename to audit_events;

create trigger audit_events_once before insert on audit_events
when exists (select 1 from audit_events where org_id = new.org_id and id = new.id)
begin
    select raise(abort, 'the audit log is append-only');
end;
-- Failed sign-ins, which strangers write, are thinned after a while.
create trigger audit_events_stay before delete on audit_events
when old.org_id <> zeroblob(16) or old.action <> 'auth.sign_in_failed'
begin
    select raise(abort, 'the audit log is append-only');
end;
create trigger audit_events_stand before update of org_id, id, at, action, actor_id, detail on audit_events
begin
    select raise(abort, 'the audit log is append-only');
end;
create index audit_events_failed_idx on audit_events (org_id, at) where action = 'auth.sign_in_failed';
