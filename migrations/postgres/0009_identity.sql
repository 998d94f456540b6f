-- The same tables as migrations/sqlite/0009_identity.sql.

-- What a mailed link opens. Of the token only a hash is kept, and a link is used up by deleting its row.
create table mail_tokens (
    hash bytea primary key not null,
    purpose text not null,
    user_id uuid not null references users (id) on delete cascade,
    address text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index mail_tokens_user_id_idx on mail_tokens (user_id);
create index mail_tokens_address_idx on mail_tokens (address);

-- After a change of address, while it can still be undone.
alter table users add column billing_locked_until timestamptz;

alter table logins add column reauthenticated_by text not null default 'password';

-- `seed`: with APP_SECRET, the token of the mail's link. `user_id`: whose own mail it is; it is not kept for ever.
alter table mails add column kind text not null default '';
alter table mails add column seed text;
alter table mails add column user_id uuid;
create index mails_user_id_idx on mails (user_id);
create index mails_recipient_idx on mails (recipient);

-- What one person did, for their export and for erasing what identifies them.
create index audit_events_actor_idx on audit_events (actor_id);

do $$
begin
    grant select, insert, update, delete on mail_tokens to portico_system;
exception when insufficient_privilege or undefined_object then
    raise notice 'portico_system could not be set up: %', sqlerrm;
end
$$;
