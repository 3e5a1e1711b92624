//! What a plan costs a cluster: one request for each kind and namespace, and a handful more.
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::Told;
use crate::public::{FARM, OBJECTS};
use crate::world::{Place, World};

pub(crate) const STORIES: &[Told] =
    &[("a_plan_without_changes_asks_once_for_each_kind_and_namespace", a_plan_without_changes_asks_once_for_each)];

/// How many requests there may be beside the lists: the cluster's identity, discovery, schemas.
const MORE: usize = 5;

fn a_plan_without_changes_asks_once_for_each(world: &World) {
    // A real server speaks TLS, which cannot be listened to; it is asked by the same code.
    if !matches!(world.place, Place::Sandbox) {
        return;
    }
    world.write("objects.yaml", OBJECTS);
    world.configure(FARM);
    let _ = world.apply();
    let heard = Arc::default();
    let address = listen(world.address(), Arc::clone(&heard));
    world.write("kubeconfig", &world.kubeconfig().replace(&world.address(), &address));
    for _ in 0..2 {
        heard.lock().expect("no holder of this lock panics").clear();
        let run = world.rayform("plan --detailed-exitcode --kubeconfig=kubeconfig");
        assert_eq!(run.code, 0, "{run}");
        let requests = heard.lock().expect("no holder of this lock panics").clone();
        let places = recorded_places(world);
        assert!(requests.len() >= places, "the requests were not heard: {requests:#?}");
        assert!(requests.len() <= places + MORE, "{places} kinds and namespaces, and {requests:#?}");
        let different: BTreeSet<&String> = requests.iter().collect();
        assert_eq!(different.len(), requests.len(), "nothing is asked twice: {requests:#?}");
        assert!(requests.iter().all(|request| request.starts_with("GET ")), "{requests:#?}");
    }
}

/// Counts the kinds and namespaces of what is recorded.
fn recorded_places(world: &World) -> usize {
    let text = std::fs::read_to_string(world.folder().join("rayform.state.json")).expect("a state");
    let state: Value = serde_json::from_str(&text).expect("JSON");
    let resources = state["resources"].as_object().expect("by address").values();
    let objects = resources.flat_map(|resource| resource["objects"].as_array().expect("a list"));
    let place = |object: &Value| {
        let of = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
        (of("api_version"), of("kind"), of("namespace"))
    };
    objects.map(place).collect::<BTreeSet<_>>().len()
}

/// Passes everything on to a server, and writes down the first line of each request.
fn listen(server: String, heard: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    std::thread::spawn(move || {
        for client in listener.incoming().filter_map(Result::ok) {
            let Ok(upstream) = TcpStream::connect(&server) else { return };
            let back = (upstream.try_clone().expect("a socket"), client.try_clone().expect("a socket"));
            let heard = Arc::clone(&heard);
            std::thread::spawn(move || pass(client, upstream, |bytes| note(bytes, &heard)));
            std::thread::spawn(move || pass(back.0, back.1, |_| {}));
        }
    });
    address
}

fn pass(mut from: TcpStream, mut to: TcpStream, look: impl Fn(&[u8])) {
    let mut buffer = vec![0; 65536];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        look(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Both).unwrap_or_default();
}

fn note(bytes: &[u8], heard: &Mutex<Vec<String>>) {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().filter_map(|line| line.strip_suffix(" HTTP/1.1"));
    heard.lock().expect("no holder of this lock panics").extend(lines.map(str::to_owned));
}
