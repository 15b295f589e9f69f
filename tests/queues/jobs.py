"""A real queue of RQ: python jobs.py PORT QUEUE add WHAT TIMES. The jobs are below; `rq worker` does them."""

import sys
import time


def done():
    return "done"


def fail(password="of nobody's business"):
    raise ConnectionError("the provider does not answer")


def nap():
    time.sleep(1)


if __name__ == "__main__":
    from datetime import timedelta

    from redis import Redis
    from rq import Queue

    port, name, _, what, times = sys.argv[1:]
    queue = Queue(name, connection=Redis(port=int(port)))
    for _ in range(int(times)):
        if what == "later":
            queue.enqueue_in(timedelta(hours=1), "jobs.done")
        else:
            queue.enqueue(f"jobs.{what}")
