use http_body_util::BodyExt as _;
use usance_core::audience::Audience;
use usance_core::command::{Command, NewProduct};
use usance_core::event::Kinds;
use usance_core::metadata::Metadata;
use usance_core::text::Code;
use usance_core::token::Permissions;
use usance_engine::clock::SystemClock;
use usance_engine::{Location, Options};

use super::*;

fn engine() -> Engine {
    let options = Options { location: Location::Memory, idempotency_window_ms: 1000 };
    Engine::open(options, Arc::new(SystemClock)).expect("the engine opens")
}

fn system(engine: &Engine) -> Arc<Caller> {
    Arc::new(Caller::system(engine.account()))
}

/// Makes a product: one event.
async fn happen(engine: &Engine, number: usize) {
    let code = Code::parse("code", &format!("p{number}")).unwrap();
    let new = NewProduct { code, name: None, metadata: Metadata::default() };
    engine.change(system(engine), Command::CreateProduct(new)).await.expect("made");
}

fn wanted(engine: &Engine, next: u64) -> Wanted {
    Wanted {
        caller: system(engine),
        credential: Credential::Token("of the test".into()),
        filter: EventFilter::default(),
        next,
    }
}

/// What is heard, event by event.
struct Ear {
    body: Body,
    text: String,
}

impl Ear {
    fn new(body: Body) -> Self {
        Self { body, text: String::new() }
    }

    /// The number and the data of the next event; none at the end.
    async fn event(&mut self) -> Option<(u64, String)> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let line = |name: &str| {
                    let mut lines = block.lines();
                    lines.find_map(|line| line.strip_prefix(name).map(str::to_owned))
                };
                let (id, data) = (line("id: "), line("data: "));
                self.text = rest.to_owned();
                match (id, data) {
                    (Some(id), Some(data)) => return Some((id.parse().unwrap(), data)),
                    _ => continue,
                }
            }
            let frame = self.body.frame().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
    }
}

#[tokio::test]
async fn who_comes_back_sees_every_event_once_and_in_order() {
    const EVENTS: usize = 400;
    let engine = engine();
    let hub = Hub::new(engine.clone());
    let writer = {
        let engine = engine.clone();
        tokio::spawn(async move {
            for number in 0..EVENTS {
                happen(&engine, number).await;
            }
        })
    };
    // The ledger's own first record, and those of the products.
    let last = EVENTS as u64;
    let mut listeners = Vec::new();
    for patience in [1, 2, 7, 50, 1000] {
        let (engine, hub) = (engine.clone(), hub.clone());
        listeners.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            let mut next = 0;
            while next <= last {
                let mut ear = Ear::new(hub.listen(wanted(&engine, next)).unwrap());
                for _ in 0..patience {
                    let (number, _) = ear.event().await.expect("it goes on");
                    seen.push(number);
                    next = number + 1;
                    if next > last {
                        break;
                    }
                }
                // The connection is lost here.
            }
            seen
        }));
    }
    writer.await.unwrap();
    for listener in listeners {
        assert_eq!(listener.await.unwrap(), (0..=last).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn who_is_too_slow_misses_nothing_and_holds_nobody_up() {
    let engine = engine();
    let hub = Hub::new(engine.clone());
    let mut slow = Ear::new(hub.listen(wanted(&engine, 0)).unwrap());
    let mut fast = Ear::new(hub.listen(wanted(&engine, 0)).unwrap());
    let count = 4 * HUB_BATCHES_MAX + 10;
    for number in 0..count {
        happen(&engine, number).await;
        // Each is told by itself.
        while fast.event().await.unwrap().0 < number as u64 + 1 {}
    }
    for number in 0..=count as u64 {
        assert_eq!(slow.event().await.unwrap().0, number);
    }
    let figures = hub.figures(&engine.statistics().ledger_sizes);
    assert!(figures.lagged > 0, "it was not slow enough: {figures:?}");
    assert_eq!(figures.listeners, 2);
}

#[tokio::test]
async fn listeners_hear_what_they_want_and_may_see() {
    let engine = engine();
    let hub = Hub::new(engine.clone());
    let filter =
        EventFilter { kinds: Kinds::parse(["product.created"]).unwrap(), ..EventFilter::default() };
    let user = Caller {
        audience: Some(Audience::User),
        permissions: Permissions::ALL,
        ..(*system(&engine)).clone()
    };
    happen(&engine, 0).await;
    let few = Wanted { filter: filter.clone(), ..wanted(&engine, 0) };
    let blind = Wanted { filter, caller: Arc::new(user), ..wanted(&engine, 0) };
    let mut few = Ear::new(hub.listen(few).unwrap());
    let mut blind = Ear::new(hub.listen(blind).unwrap());
    // The one from the ledger, the other from the hub.
    for number in 1..3 {
        let (id, data) = few.event().await.unwrap();
        assert_eq!(id, number);
        assert!(data.contains("\"after\":{\"product\":\"prod_"), "{data}");
        let (id, data) = blind.event().await.unwrap();
        assert_eq!(id, number);
        assert!(!data.contains("after"), "{data}");
        happen(&engine, usize::try_from(number).unwrap()).await;
    }
}

#[tokio::test]
async fn streams_end_with_the_server_and_seats_are_given_back() {
    let engine = engine();
    let hub = Hub::new(engine.clone());
    let mut ears: Vec<_> =
        (0..LISTENERS_MAX).map(|_| Ear::new(hub.listen(wanted(&engine, 0)).unwrap())).collect();
    assert!(hub.listen(wanted(&engine, 0)).is_err());
    for ear in &mut ears {
        assert_eq!(ear.event().await.unwrap().0, 0);
    }
    hub.close();
    for ear in &mut ears {
        assert!(ear.event().await.is_none());
    }
    while hub.figures(&[]).listeners > 0 {
        tokio::task::yield_now().await;
    }
    // The task that followed has ended as well.
    let hub = Hub::new(engine.clone());
    drop(Ear::new(hub.listen(wanted(&engine, 0)).unwrap()));
    while hub.figures(&[]).listeners > 0 {
        tokio::task::yield_now().await;
    }
    let account = engine.account();
    for number in 0.. {
        happen(&engine, number).await;
        let channels = hub.0.channels.lock().unwrap();
        if !channels[&account].is_followed() {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_is_over_ends_its_stream() {
    let engine = engine();
    let hub = Hub::new(engine.clone());
    // The token of the test is known nowhere, which the first heartbeat finds.
    let mut ear = Ear::new(hub.listen(wanted(&engine, 0)).unwrap());
    assert_eq!(ear.event().await.unwrap().0, 0);
    assert!(ear.event().await.is_none());
}

#[test]
fn waking_listeners_leaves_time_for_uses() {
    for (listeners, ms) in [(0, 0), (10, 1), (1000, 100), (1_000_000, HUB_PACE_MS_MAX)] {
        assert_eq!(pace(listeners), Duration::from_millis(ms));
    }
}
