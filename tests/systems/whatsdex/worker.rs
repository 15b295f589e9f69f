//! The worker of the queue `image-generation`, as Bull keeps it in Redis.

use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use redis::RedisResult;

use crate::standin::Deployed;

const QUEUE: &str = "bull:image-generation";

/// Puts a job into the queue, and starts the worker that takes it.
pub(super) fn fill(deployed: &Deployed) {
    let job = format!("{QUEUE}:1");
    let now = jiff::Timestamp::now().as_millisecond().to_string();
    deployed.redis_command(&["SET", &format!("{QUEUE}:id"), "1"]);
    deployed.redis_command(&["HSET", &job, "name", "__default__", "timestamp", &now, "delay", "0"]);
    deployed.redis_command(&["LPUSH", &format!("{QUEUE}:wait"), "1"]);
    if !deployed.broken("worker_dead") {
        let client = redis::Client::open(deployed.redis_url().replace("://:", "://default:")).unwrap();
        let queue = if deployed.broken("worker_of_an_old_queue") {
            "images"
        } else {
            "image-generation"
        };
        // It ends with its Redis.
        thread::spawn(move || work(&client, queue));
    }
}

/// Takes jobs as they come, and lists them as completed.
fn work(client: &redis::Client, queue: &str) -> RedisResult<()> {
    let mut connection = client.get_connection()?;
    let name = format!("bull:{}", STANDARD.encode(queue));
    redis::cmd("CLIENT").arg("SETNAME").arg(name).exec(&mut connection)?;
    loop {
        let job: Option<String> = redis::cmd("BRPOPLPUSH")
            .arg(format!("bull:{queue}:wait"))
            .arg(format!("bull:{queue}:active"))
            .arg(1)
            .query(&mut connection)?;
        if let Some(job) = job {
            redis::pipe()
                .cmd("LREM")
                .arg(format!("bull:{queue}:active"))
                .arg(1)
                .arg(&job)
                .cmd("ZADD")
                .arg(format!("bull:{queue}:completed"))
                .arg(1)
                .arg(&job)
                .exec(&mut connection)?;
        }
    }
}
