//! How a client reaches the server, also across its death.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Method;

use crate::cli::client::{Client, Problems, Response};
use crate::cli::fault::Fault;
use crate::cli::{json, problem};

/// The longest wait for a server that died to be there again.
const RETURN_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a client waits that was told to come back later.
const BUSY_PAUSE: Duration = Duration::from_millis(10);
/// How often it comes back.
const BUSY_RETRIES_MAX: u32 = 500;

/// Where the server is. Changes when it is started again.
pub struct Line {
    link: Mutex<Link>,
    changed: Condvar,
}

#[derive(Debug, Clone)]
struct Link {
    /// How often the server was started before this.
    life: u32,
    base: String,
    is_given_up: bool,
}

/// One client, or the operator, with a token.
pub struct Caller<'a> {
    line: &'a Line,
    token: &'a str,
    life: u32,
    client: Client,
}

/// An answer, and what it took to get it.
pub struct Told {
    /// The answer.
    pub answer: Response,
    /// In which life of the server it came.
    pub life: u32,
    /// Whether an attempt before it got no answer, because the server died.
    pub was_cut: bool,
    /// How long the attempt took that got it.
    pub took: Duration,
}

impl Line {
    /// A line to the first server.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self {
            link: Mutex::new(Link { life: 0, base: base.to_owned(), is_given_up: false }),
            changed: Condvar::new(),
        }
    }

    /// Tells everybody where the server is now.
    pub fn restore(&self, base: &str) {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        link.life += 1;
        base.clone_into(&mut link.base);
        drop(link);
        self.changed.notify_all();
    }

    /// Tells everybody that the server will not be back.
    pub fn give_up(&self) {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        link.is_given_up = true;
        drop(link);
        self.changed.notify_all();
    }

    /// Someone who presents `token`.
    ///
    /// # Errors
    /// If the server's address is none.
    pub fn caller<'a>(&'a self, token: &'a str) -> Result<Caller<'a>, Fault> {
        let link = self.now();
        Ok(Caller {
            line: self,
            token,
            life: link.life,
            client: Client::new(&link.base, token, Problems::Keep)?,
        })
    }

    fn now(&self) -> Link {
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        link.clone()
    }

    /// Waits for a later life than `life`.
    fn after(&self, life: u32) -> Option<Link> {
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let (link, _) = self
            .changed
            .wait_timeout_while(link, RETURN_TIMEOUT, |link| link.life == life && !link.is_given_up)
            .unwrap_or_else(PoisonError::into_inner);
        (link.life != life).then(|| link.clone())
    }
}

impl Caller<'_> {
    /// Asks until there is an answer; across a death of the server, ask for the same again.
    ///
    /// # Errors
    /// If the server does not come back, or stays too busy.
    pub fn tell(&mut self, method: &Method, path: &str, body: Option<&str>) -> Result<Told, Fault> {
        let mut was_cut = false;
        let mut busy = 0;
        loop {
            let begun = Instant::now();
            match self.client.ask(method, path, body) {
                Ok(answer) if is_busy(&answer) && busy < BUSY_RETRIES_MAX => {
                    busy += 1;
                    std::thread::sleep(BUSY_PAUSE);
                }
                Ok(answer) => {
                    return Ok(Told { answer, life: self.life, was_cut, took: begun.elapsed() });
                }
                Err(error) => {
                    was_cut = true;
                    let link = self.line.after(self.life).ok_or_else(|| {
                        Fault::failure("the server gave no answer and did not come back")
                            .because(&error)
                    })?;
                    self.client = Client::new(&link.base, self.token, Problems::Keep)?;
                    self.life = link.life;
                }
            }
        }
    }

    /// Asks for what must succeed, and reads the answer.
    ///
    /// # Errors
    /// If it does not succeed.
    pub fn need<T: DeserializeOwned>(
        &mut self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, Fault> {
        let text = body.map(Value::to_string);
        let told = self.tell(method, path, text.as_deref())?;
        if !told.answer.is_success() {
            return Err(problem::fault(&told.answer));
        }
        read(&told.answer.body)
    }

    /// Fetches text that must be there.
    ///
    /// # Errors
    /// If it is not.
    pub fn text(&mut self, path: &str) -> Result<String, Fault> {
        let told = self.tell(&Method::GET, path, None)?;
        if !told.answer.is_success() {
            return Err(problem::fault(&told.answer));
        }
        Ok(told.answer.body)
    }
}

/// Whether the server asks for patience; what is broken is not busy.
fn is_busy(answer: &Response) -> bool {
    #[derive(serde::Deserialize)]
    struct Problem {
        code: String,
    }
    matches!(answer.status, 429 | 503)
        && read::<Problem>(&answer.body).is_ok_and(|problem| problem.code == "overloaded")
}

/// Reads an answer as the contract has it.
///
/// # Errors
/// If it is something else.
pub fn read<T: DeserializeOwned>(body: &str) -> Result<T, Fault> {
    serde_json::from_str(body).map_err(|error| json::not_understood().because(&error))
}
