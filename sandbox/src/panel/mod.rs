//! The control panel under `/_sandbox`, and the API that its buttons and our tests share.
mod assets;
mod body;
mod control;
mod forms;
mod frame;
mod guard;
mod objects;
mod ops;
mod pages;
mod shown;

use crate::{Sandbox, refusal::Refusal, reply::Reply, request::Request};
use body::refused;
use hyper::Method;

pub async fn answer(sandbox: &Sandbox, request: Request) -> Reply {
    let path = request.path.trim_start_matches("/_sandbox").trim_matches('/').to_owned();
    let segments: Vec<&str> = path.split('/').collect();
    let for_api = segments[0] == "api";
    if let Err(refusal) = guard::admit(&request, for_api) {
        return refused(&refusal);
    }
    match (&segments[..], &request.method) {
        (["api", rest @ ..], _) => control::answer(sandbox, &request, rest).await,
        (["assets", name], &Method::GET) => assets::serve(name),
        (_, &Method::GET) => pages::answer(sandbox, &request, &segments).await,
        (_, &Method::POST) => forms::answer(sandbox, &request, &segments).await,
        _ => refused(&Refusal::invalid("Pages answer to GET, forms to POST.").with_status(405)),
    }
}
