"""How the tool of a stack is called and its state read, as its init tells."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog.state_reading import calling, reading

TERRAFORM = "terraform show -json"
TOFU = "tofu show -json"

#: An init, and what reads the state of the stack.
DERIVED = [
    ("terraform init -input=false", TERRAFORM),
    ("tofu init", TOFU),
    ("terraform -chdir=live init -input=false", "terraform -chdir=live show -json"),
    ("tofu -chdir='li ve' init", "tofu -chdir='li ve' show -json"),
    ('tofu -chdir="$(pwd)/x y" init', 'tofu -chdir="$(pwd)/x y" show -json'),
    ("/opt/terraform-1.11/terraform init", "/opt/terraform-1.11/terraform show -json"),
    ("./tofu init", "./tofu show -json"),
    ("cd live && terraform init", TERRAFORM),
    ("set -eu; terraform init", TERRAFORM),
    ("aws sts get-caller-identity\nterraform init\n", TERRAFORM),
    ("if ! terraform init; then exit 1; fi", TERRAFORM),
    ("for i in 1 2; do terraform init && break; done", TERRAFORM),
    ("{ terraform init; } >log 2>&1", TERRAFORM),
    (">log terraform init", TERRAFORM),
    ("(umask 077; terraform init)", TERRAFORM),
    ("time terraform init", TERRAFORM),
    ("terraform \\\n  init \\\n  -input=false", TERRAFORM),
    ("terraform init 2>&1 | tee init.log", TERRAFORM),
    ("terraform init; terraform init -upgrade", TERRAFORM),
    ("cat >x <<'EOF'\nit's\nEOF\nterraform init", TERRAFORM),
    ("echo it\\'s; terraform init", TERRAFORM),
    ("echo $(echo ')' \"(\" '); x=1'); terraform init # or not", TERRAFORM),
    ("echo ${x:-'}'}; terraform init", TERRAFORM),
    ("echo '\"$(`\\'; terraform init", TERRAFORM),
    ('echo "it\'s"; terraform init', TERRAFORM),
    ("TF_DATA_DIR=.t terraform init", "sh -c 'TF_DATA_DIR=.t terraform show -json'"),
    ("env A=$(date) tofu init", "sh -c 'A=$(date) tofu show -json'"),
    (
        "terraform -chdir=a init && terraform -chdir=b init",
        "sh -c 'terraform -chdir=a show -json && terraform -chdir=b show -json'",
    ),
    ("", ""),
    ("./init.sh", ""),
    ("terraform version", ""),
    ("terraform", ""),
    ("terraform -help", ""),
    ("echo terraform init", ""),
    ("echo 'x; terraform init'", ""),
    ('echo "\nterraform init\n"', ""),
    ("# terraform init", ""),
    ("cat <<EOF\nterraform init\nEOF", ""),
    ("cat <<-'EOF'\n\tterraform init\n\tEOF", ""),
    ("command -v terraform init", ""),
    ("git init", ""),
    ("npm -s init", ""),
    ("terraform-docs init", ""),
    ("terraform plan && echo init", ""),
    ("'unclosed; terraform init", ""),
]


@pytest.mark.parametrize(("init", "read_by"), DERIVED)
def test_an_init_of_terraform_tells_how_the_state_is_read(
    init: str, read_by: str
) -> None:
    assert reading(init, None) == read_by


@pytest.mark.parametrize(
    ("init", "named", "read_by"),
    [
        ("terraform init", "none", ""),
        ("./init.sh", "none", ""),
        ("", "terraform", TERRAFORM),
        ("./init.sh", "tofu", TOFU),
        ("terraform -chdir=live init", "terraform", "terraform -chdir=live show -json"),
        ("terraform -chdir=live init", "tofu", "tofu -chdir=live show -json"),
        ("./tf -chdir=live init", "terraform", "terraform -chdir=live show -json"),
        ("/opt/tofu init", "tofu", "/opt/tofu show -json"),
        ("/opt/tofu init; terraform init", "tofu", "/opt/tofu show -json"),
        ("git --bare init", "terraform", TERRAFORM),
    ],
)
def test_a_program_that_is_named_reads_the_state_where_the_init_made_it(
    init: str, named: str, read_by: str
) -> None:
    assert reading(init, named) == read_by


@pytest.mark.parametrize(
    "init",
    [
        "terraform -chdir='li ve' init",
        "A='it'\\''s' terraform -chdir=x init",
        'A=$(echo a b) terraform init; terraform -chdir="$HOME" init',
    ],
)
def test_the_shell_understands_what_reads_the_state_also_behind_exec(
    tmp_path: Path, init: str
) -> None:
    program = tmp_path / "terraform"
    program.write_text('#!/bin/sh\necho "[$A]" "$@"\n')
    program.chmod(0o755)

    def told(script: str) -> list[str]:
        env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": "/ho me"}
        arguments = ["sh", "-c", script]
        done = subprocess.run(
            arguments, env=env, capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()

    as_initialized = [line.replace("init", "show -json") for line in told(init)]

    assert told(f"exec {reading(init, None)}") == as_initialized


@pytest.mark.parametrize(
    ("init", "named", "image", "called"),
    [
        ("terraform init -input=false", None, "busybox", "terraform"),
        ("terraform -chdir=live init", None, "x", "terraform -chdir=live"),
        ("A=$(date) tofu init", None, "x", "A=$(date) tofu"),
        ("terraform init; terraform init -upgrade", None, "x", "terraform"),
        ("terraform -chdir=live init", "none", "x", "terraform -chdir=live"),
        ("terraform -chdir=live init", "tofu", "x", "tofu -chdir=live"),
        ("./init.sh", "tofu", "hashicorp/terraform:1.11", "tofu"),
        ("./init.sh", "none", "hashicorp/terraform:1.11", "terraform"),
        ("", None, "hashicorp/terraform:1.11", "terraform"),
        ("", None, "ghcr.io/opentofu/opentofu@sha256:00", "tofu"),
        ("", None, "localhost:5000/tofu", "tofu"),
        ("", None, "acme/terraform-docs", ""),
        ("", None, "terraform/busybox", ""),
        ("./init.sh", None, "busybox", ""),
        ("terraform -chdir=a init && terraform -chdir=b init", None, "terraform", ""),
    ],
)
def test_the_init_the_setting_or_the_image_tells_how_the_program_is_called(
    init: str, named: str | None, image: str, called: str
) -> None:
    assert calling(init, named, image) == called


@given(st.text(alphabet="terraform init-=chdir'\"$(){}`\\;&|<>#\n\t EO", max_size=60))
def test_any_text_is_read_to_its_end(text: str) -> None:
    assert "show -json" in reading(text, "terraform")


def test_a_text_that_opens_very_much_is_read_to_its_end() -> None:
    assert reading("$(" * 50_000, None) == ""
