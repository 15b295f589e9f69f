# Two commands do everything on a fresh Debian or Ubuntu machine with Rust: `make demo` and `make test`.

.PHONY: demo test check bench prepare-demo prepare-test

demo: prepare-demo
	cargo run --quiet -- demo

test: prepare-test
	tools/test

# What CI checks besides the tests.
check:
	cargo fmt --check
	cargo clippy --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items --quiet

bench:
	benches/compare

prepare-demo:
	@tools/prepare postgresql redis-server

prepare-test:
	@tools/prepare postgresql redis-server pgbouncer nginx-light nodejs npm python3-venv libxml2-utils
	@tools/prepare-receiver
	@tools/prepare-queues
