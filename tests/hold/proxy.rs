//! A network between the program and Postgres that can be led elsewhere, and that can swallow everything.
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
}

struct State {
    target: Mutex<u16>,
    swallows: AtomicBool,
    /// Rises with every partition: what was connected before one stays dead after it, as where a router has
    /// forgotten the connection and says nothing.
    age: AtomicU64,
    ended: AtomicBool,
}

impl Proxy {
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let state =
            State { target: Mutex::new(port), swallows: false.into(), age: 0.into(), ended: false.into() };
        let proxy = Self { port: listener.local_addr().expect("it is bound").port(), state: Arc::new(state) };
        let state = proxy.state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if state.ended.load(SeqCst) {
                    break;
                }
                let state = state.clone();
                std::thread::spawn(move || connect(&state, client));
            }
        });
        proxy
    }

    pub fn lead_to(&self, port: u16) {
        *self.state.target.lock().expect("no panic while it is held") = port;
    }

    pub fn swallow(&self, swallows: bool) {
        if swallows {
            self.state.age.fetch_add(1, SeqCst);
        }
        self.state.swallows.store(swallows, SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.ended.store(true, SeqCst);
        TcpStream::connect(("127.0.0.1", self.port)).ok();
    }
}

fn connect(state: &Arc<State>, client: TcpStream) {
    let age = state.age.load(SeqCst);
    if state.swallows.load(SeqCst) {
        return hold(state, &client);
    }
    let target = *state.target.lock().expect("no panic while it is held");
    let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { return };
    let (Ok(to_client), Ok(to_server)) = (client.try_clone(), server.try_clone()) else { return };
    let back = state.clone();
    std::thread::spawn(move || copy(&back, age, server, to_client));
    copy(state, age, client, to_server);
}

fn copy(state: &State, age: u64, mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        if state.age.load(SeqCst) > age {
            return hold(state, &from);
        }
        if to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    if state.age.load(SeqCst) > age {
        return hold(state, &to);
    }
    to.shutdown(Shutdown::Both).ok();
    from.shutdown(Shutdown::Both).ok();
}

/// Open, and silent, to the end of the squeeze.
fn hold(state: &State, _stream: &TcpStream) {
    while !state.ended.load(SeqCst) {
        std::thread::sleep(Duration::from_millis(50));
    }
}
