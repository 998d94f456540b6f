-- Links in mails, how a person showed who they are, and what a mail is about.

-- What a mailed link opens. Of the token only a hash is kept, and a link is used up by deleting its row.
create table mail_tokens (
    hash blob primary key not null,
    purpose text not null,
    user_id blob not null references users (id) on delete cascade,
    address text not null,
    created_at integer not null,
    expires_at integer not null
);
create index mail_tokens_user_id_idx on mail_tokens (user_id);
create index mail_tokens_address_idx on mail_tokens (address);

-- After a change of address, while it can still be undone.
alter table users add column billing_locked_until integer;

alter table logins add column reauthenticated_by text not null default 'password';

-- `seed`: with APP_SECRET, the token of the mail's link. `user_id`: whose own mail it is; it is not kept for ever.
alter table mails add column kind text not null default '';
alter table mails add column seed text;
alter table mails add column user_id blob;
create index mails_user_id_idx on mails (user_id);
create index mails_recipient_idx on mails (recipient);

-- What one person did, for their export and for erasing what identifies them.
create index audit_events_actor_idx on audit_events (actor_id);
