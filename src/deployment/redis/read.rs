//! Commands that a kind puts together itself. They must only read.

use redis::{FromRedisValue, Pipeline};

use super::{Cmd, Session, Unobserved, explain, is_refusal, said};

impl Session {
    /// The answer to one command.
    pub async fn read<T: FromRedisValue>(&mut self, words: &[&str]) -> Result<T, Unobserved> {
        self.ask(&command(words)).await
    }

    /// The same; the server's words instead where it does not know the command, or does not allow it.
    pub async fn read_if_allowed<T: FromRedisValue>(
        &mut self,
        words: &[&str],
    ) -> Result<Result<T, String>, Unobserved> {
        match command(words).query_async(&mut self.connection).await {
            Ok(answer) => Ok(Ok(answer)),
            Err(error) if is_refusal(&error) || said(&error).contains("unknown command") => Ok(Err(said(&error))),
            Err(error) => Err(explain(&self.address, self.password.as_deref(), &error)),
        }
    }

    /// The answers to several commands, in one exchange.
    pub async fn read_each<T: FromRedisValue>(&mut self, commands: &[Vec<String>]) -> Result<Vec<T>, Unobserved> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let mut together = Pipeline::new();
        for words in commands {
            together.add_command(command(&words.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        let answers = together.query_async(&mut self.connection).await;
        answers.map_err(|error| explain(&self.address, self.password.as_deref(), &error))
    }
}

fn command(words: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command
}
