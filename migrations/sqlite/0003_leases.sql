-- Whose hold of a job it is. A worker that went on past its lease may not end what another has taken
-- up since; times alone cannot tell the two apart.
alter table jobs add column lease blob;
