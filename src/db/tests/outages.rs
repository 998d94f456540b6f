//! What the database suffers for a while, it has got over soon after.
use super::{At, Db, migrate, postgres, postgres_server::child_process, sqlite};
use crate::{db::Error, sql};
use std::{path::PathBuf, process::Command, time::Duration};

/// A file system of 4 MiB that only this test uses.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount_or_skip() -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("portico-disk-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&folder).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(&folder).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(folder));
        }
        std::fs::remove_dir(&folder).ok();
        child_process::skip_or_fail("a small disk", "only root may mount one");
        None
    }

    /// To the last byte.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.0.join("filler")).unwrap();
        for size in [65_536, 1] {
            while std::io::Write::write_all(&mut file, &vec![0; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
        std::fs::remove_dir(&self.0).ok();
    }
}

/// Several kilobytes, so that they need room.
async fn write(db: &Db, key: &str) -> super::super::Result<()> {
    let mut tx = db.system_tx().await?;
    let now = At::from_unix(1);
    sql!(
        &mut tx,
        "insert into mails (key, recipient, subject, text_body, html_body, created_at) values ($1, '', '', $2, '', $3)",
        key,
        "x".repeat(200_000),
        now
    )
    .execute()
    .await?;
    tx.commit().await
}

async fn mails(db: &Db) -> i64 {
    sql!(db, "select count(*) as n from mails").scalar().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_writes_again_once_a_full_disk_has_room() {
    let Some(disk) = SmallDisk::mount_or_skip() else { return };
    let mut db = Db::connect(&format!("sqlite://{}", disk.0.join("portico.db").display())).await.unwrap();
    migrate(&mut db).await.unwrap();
    write(&db, "before").await.unwrap();
    disk.fill();

    for n in 0..3 {
        let refused = write(&db, &format!("full-{n}")).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
        assert_eq!(mails(&db).await, 1, "what was written is still read");
    }
    let full = db.probe(At::from_unix(2)).await;
    disk.make_room();

    write(&db, "after").await.unwrap();
    assert_eq!(mails(&db).await, 2);
    assert!(full.is_err(), "a probe meets the full disk");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    db.probe(At::from_unix(3)).await.unwrap();
    db.close().await;
}

/// One transaction is open in the middle of it; the others sleep in the pool.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_takes_every_transaction_after_its_backends_were_terminated() {
    let Some(db) = postgres().await else { return };
    let Db::Postgres { pool, .. } = &db else { unreachable!() };
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(db.system_tx().await.unwrap());
    }
    let mut caught = open.pop().unwrap();
    drop(open);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut admin = pool.acquire().await.unwrap().detach();
    let terminate = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                     where datname = current_database() and pid <> pg_backend_pid()";
    sqlx::query(terminate).execute(&mut admin).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;

    let cut_off = sql!(&mut caught, "select count(*) as n from mails").scalar::<i64>().await;
    let writers: Vec<_> = (0..20)
        .map(|n| {
            let db = db.clone();
            tokio::spawn(async move { write(&db, &n.to_string()).await })
        })
        .collect();

    assert!(matches!(cut_off, Err(Error::Unavailable(_))), "{cut_off:?}");
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    assert_eq!(mails(&db).await, 20);
}

#[tokio::test]
async fn a_transaction_that_the_engine_has_ended_does_not_spoil_the_connection() {
    let db = sqlite().await;
    let mut tx = db.system_tx().await.unwrap();
    // As SQLite does by itself on a full disk: what comes next finds no transaction to end.
    sql!(&mut tx, sqlite "rollback", postgres "rollback").execute().await.unwrap();

    assert!(tx.commit().await.is_err());
    for n in 0..3 {
        write(&db, &n.to_string()).await.unwrap();
    }
}

#[tokio::test]
async fn those_who_ask_within_a_second_share_one_write() {
    let db = sqlite().await;
    for seconds in [1, 2, 3] {
        db.probe(At::from_unix(seconds)).await.unwrap();
    }

    let at = sql!(&db, "select at from cursors where name = 'probe'").scalar::<At>().await.unwrap();
    assert_eq!(at, At::from_unix(1));
}
