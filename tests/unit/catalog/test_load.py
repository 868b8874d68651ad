"""A good `handrail.yaml` and what it means."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.catalog.load import load
from bot.domain.people import ChannelId, TeamId, UserId
from bot.domain.stack import (
    AwsRole,
    Deploy,
    FromCommand,
    FromEnv,
    FromFile,
    Hooks,
    ImagePolicy,
    KeptFor,
    OidcIssuer,
    OidcToken,
    Stack,
    StackFile,
    StackName,
)
from runner.job import DirectorySource, GitSource, Limits
from tests.unit.catalog.conftest import Write, a_config

DESIGN = """\
version: 1
workspace: T0123ABCD              # home Slack team
admins: [U0ADMIN]                 # may freeze, release, steal
defaults:
  channel: C0INFRA                # where records go
  image: hashicorp/terraform:1.11
  init: terraform init -input=false
  writers: ["@platform"]          # user group; also U…, or "#infra"
contexts:                         # bundles of environment, secrets, files, hooks
  aws-prod:
    env: {AWS_REGION: eu-west-1}
    aws: {role_arn: "arn:aws:iam::111111111111:role/handrail"}   # per run
stacks:
  net-prod:
    source: {git: "git@example.com:infra.git", ref: main, path: net/prod}
    contexts: [aws-prod]
    secrets:
      DB_PASSWORD: {env: NET_PROD_DB_PASSWORD}
    files: {"backend.hcl": {file: ./backend.hcl}}
    hooks: {before_init: ["./login.sh"], after_run: ["./logout.sh"]}
    limits: {memory: 1g, cpus: 1, pids: 256, run_timeout: 70m}
    workspace: fresh              # or persistent: keeps its volume from run to run
"""

#: How a stack is deployed whose init is that of the design.
TERRAFORM = Deploy(
    plan='terraform plan -input=false -out="$HANDRAIL_PLAN"',
    apply='terraform apply -input=false "$HANDRAIL_PLAN"',
    summary='terraform show -json "$HANDRAIL_PLAN"',
)


def net_prod(path: Path) -> Stack:
    return load(path).stacks[StackName("net-prod")]


def test_the_example_of_the_design_is_understood(write: Write, tmp_path: Path) -> None:
    catalog = load(write(DESIGN))

    assert (catalog.workspace, catalog.admins, catalog.slots) == (
        TeamId("T0123ABCD"),
        (UserId("U0ADMIN"),),
        10,
    )
    assert catalog.stacks == {
        "net-prod": Stack(
            name=StackName("net-prod"),
            image="hashicorp/terraform:1.11",
            init="terraform init -input=false",
            source=GitSource(url="git@example.com:infra.git", ref="main"),
            project_root="net/prod",
            hooks=Hooks(before_init=("./login.sh",), after_run=("./logout.sh",)),
            env={"AWS_REGION": "eu-west-1"},
            secrets={"DB_PASSWORD": FromEnv(variable="NET_PROD_DB_PASSWORD")},
            files=(
                StackFile(
                    path="backend.hcl", source=FromFile(path=tmp_path / "backend.hcl")
                ),
            ),
            limits=Limits(memory=1 << 30, cpus=1.0, pids=256),
            reading_state="terraform show -json",
            deploy=TERRAFORM,
            program="terraform",
            aws=AwsRole(role_arn="arn:aws:iam::111111111111:role/handrail"),
            channel=ChannelId("C0INFRA"),
            writers=("@platform",),
        )
    }


def test_a_stack_needs_no_more_than_an_image_and_writers(write: Write) -> None:
    stack = net_prod(write(a_config()))

    assert stack == Stack(
        name=StackName("net-prod"), image="busybox", writers=("U0ANN",)
    )


def test_every_key_of_a_stack_arrives(write: Write, tmp_path: Path) -> None:
    (tmp_path / "net" / "prod").mkdir(parents=True)

    stack = net_prod(
        write(
            a_config(
                """
                source: {dir: ./net, path: ./prod/}
                env: {A: "1", EMPTY: ""}
                secrets: {B: {command: [vault, read]}, C: {file: /run/c}}
                files: {./x//y: {env: X, secret: false}}
                hooks: {after_init: export Z=1}
                limits:
                  {memory: 1.5G, cpus: 0.5, pids: 64, run_timeout: 1d2h3m4s,
                   silence_timeout: 90s, output: 128k}
                network: none
                workspace: persistent
                channel: G0OPS
                readers: ["#infra", S0GROUP]
                admins: [W0EVE]
                strict_masking: true
                mask_shapes: false
                mask_state: tofu
                aws:
                  {role_arn: "arn:aws-cn:iam::222222222222:role/ops/it", duration: 2h,
                   external_id: acme/1, region: cn-north-1}
                oidc: {audience: [vault, sts.amazonaws.com, vault]}
                """,
                top="oidc: {issuer: https://handrail.example.com/ops}",
            )
        )
    )

    assert stack.source == DirectorySource(directory=tmp_path / "net")
    assert stack.project_root == "prod"
    assert stack.env == {"A": "1", "EMPTY": ""}
    assert stack.secrets == {
        "B": FromCommand(arguments=("vault", "read")),
        "C": FromFile(path=Path("/run/c")),
    }
    assert stack.files == (
        StackFile(path="x/y", source=FromEnv(variable="X"), secret=False),
    )
    assert stack.hooks == Hooks(after_init=("export Z=1",))
    assert stack.limits == Limits(
        memory=3 << 29,
        cpus=0.5,
        pids=64,
        run_timeout=timedelta(days=1, hours=2, minutes=3, seconds=4),
        silence_timeout=timedelta(seconds=90),
        output=128 << 10,
    )
    assert (stack.network, stack.persistent, stack.channel) == ("none", True, "G0OPS")
    assert (stack.readers, stack.admins) == (("#infra", "S0GROUP"), ("W0EVE",))
    assert (stack.strict_masking, stack.mask_shapes) == (True, False)
    assert stack.reading_state == "tofu show -json"
    assert stack.aws == AwsRole(
        role_arn="arn:aws-cn:iam::222222222222:role/ops/it",
        duration=timedelta(hours=2),
        external_id="acme/1",
        region="cn-north-1",
    )
    assert stack.oidc == OidcToken(audiences=("vault", "sts.amazonaws.com"))


def test_the_stack_wins_over_its_contexts_a_later_one_over_an_earlier_one_all_over_defaults(  # noqa: E501
    write: Write,
) -> None:
    stack = net_prod(
        write(
            a_config(
                "contexts: [early, late]\nenv: {A: stack}",
                defaults="env: {A: defaults, B: defaults, C: defaults, D: defaults}",
                top="""
                contexts:
                  early: {env: {A: early, B: early, C: early}}
                  late: {env: {A: late, B: late}}
                """,
            )
        )
    )

    assert stack.env == {"A": "stack", "B": "late", "C": "early", "D": "defaults"}


def test_an_identity_is_the_stacks_or_that_of_its_last_context_or_of_defaults(
    write: Write,
) -> None:
    role = 'aws: {{role_arn: "arn:aws:iam::111111111111:role/{}"}}'.format
    lines = f"""
        contexts:
          early: {{{role("early")}, oidc: {{audience: early}}}}
          late: {{oidc: {{audience: late}}}}
        oidc: {{issuer: http://localhost:8080}}
        """

    def identities(stack: str) -> tuple[str, str]:
        path = write(
            a_config(
                stack,
                defaults=role("defaults")[:-1]
                + ", region: eu-west-1}\noidc: {audience: defaults}",
                top=lines,
            )
        )
        found = net_prod(path)
        assert found.aws is not None
        assert found.oidc is not None
        region = found.aws.region or "nowhere"
        name = found.aws.role_arn.rpartition("/")[2]
        return f"{name} {region}", found.oidc.audiences[0]

    assert identities("contexts: []") == ("defaults eu-west-1", "defaults")
    assert identities("contexts: [early]") == ("early nowhere", "early")
    assert identities("contexts: [early, late]") == ("early nowhere", "late")
    assert identities(f"contexts: [early, late]\n{role('own')}") == (
        "own nowhere",
        "late",
    )


@pytest.mark.parametrize("none", ["none", "no", "off", "'none'"])
@pytest.mark.parametrize("place", ["stack", "context"])
def test_none_undoes_the_identity_that_contexts_or_defaults_have(
    write: Write, none: str, place: str
) -> None:
    role = 'aws: {role_arn: "arn:aws:iam::111111111111:role/it"}'
    own = f"aws: {none}\noidc: {none}" if place == "stack" else ""
    late = f"{{aws: {none}, oidc: {none}}}" if place == "context" else "{}"
    stack = net_prod(
        write(
            a_config(
                f"contexts: [early, late]\nenv: {{AWS_SESSION_TOKEN: x}}\n{own}",
                defaults=f"{role}\noidc: {{audience: a}}",
                top=f"""
                contexts:
                  early: {{{role}, oidc: {{audience: a}}}}
                  late: {late}
                oidc: {{issuer: http://localhost:8080}}
                """,
            )
        )
    )

    assert (stack.aws, stack.oidc) == (None, None)


def test_a_stack_has_an_identity_again_that_its_context_undid(write: Write) -> None:
    role = 'aws: {role_arn: "arn:aws:iam::111111111111:role/it"}'
    top = "contexts: {some: {aws: none}}"

    stack = net_prod(write(a_config(f"contexts: [some]\n{role}", top=top)))

    assert stack.aws is not None


@pytest.mark.parametrize(
    ("own", "defaults", "masking"),
    [
        ("", "", (False, True, "terraform show -json")),
        ("", "strict_masking: true\nmask_shapes: false", (True, False)),
        (
            "strict_masking: false\nmask_shapes: true\nmask_state: terraform",
            "strict_masking: true\nmask_shapes: false\nmask_state: none",
            (False, True, "terraform show -json"),
        ),
        ("mask_state: none", "", (False, True, "")),
        ("mask_state: no", "", (False, True, "")),
        ("mask_state: off", "mask_state: tofu", (False, True, "")),
    ],
)
def test_how_output_is_masked_is_the_stacks_word_or_that_of_defaults(
    write: Write, own: str, defaults: str, masking: tuple[object, ...]
) -> None:
    stack = net_prod(write(a_config(f"init: terraform init\n{own}", defaults=defaults)))

    told = (stack.strict_masking, stack.mask_shapes, stack.reading_state)
    assert told[: len(masking)] == masking


def test_what_stands_at_the_top_arrives_in_its_whole_form(write: Write) -> None:
    catalog = load(
        write(
            a_config(
                top="""
                image_policy: {registries: [Index.Docker.IO/library, docker.io]}
                oidc: {issuer: https://handrail.example.com}
                """
            )
        )
    )

    assert catalog.oidc == OidcIssuer(issuer="https://handrail.example.com")
    assert catalog.image_policy == ImagePolicy(
        registries=("docker.io/library", "docker.io")
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{}", KeptFor(output=timedelta(days=400), deliveries=timedelta(hours=25))),
        ("{output: 90d}", KeptFor(output=timedelta(days=90))),
        ("{output: none}", KeptFor(output=None)),
        ("{output: no}", KeptFor(output=None)),
        ("{deliveries: 2d}", KeptFor(deliveries=timedelta(days=2))),
    ],
)
def test_how_long_what_passes_is_kept_arrives_with_what_was_left_out(
    write: Write, written: str, meant: KeptFor
) -> None:
    catalog = load(write(a_config(top=f"retention: {written}")))

    assert catalog.retention == meant


def test_a_plain_variable_and_a_secret_of_one_name_do_not_both_arrive(
    write: Write,
) -> None:
    stack = net_prod(
        write(
            a_config(
                "contexts: [some]\nenv: {A: plain}\nsecrets: {B: {env: B}}",
                top="contexts: {some: {env: {B: plain}, secrets: {A: {env: A}}}}",
            )
        )
    )

    assert (stack.env, stack.secrets) == ({"A": "plain"}, {"B": FromEnv(variable="B")})


def test_contexts_wrap_the_hooks_of_the_stack_and_defaults_wrap_both(
    write: Write,
) -> None:
    hooks = (
        "hooks: {{before_init: {0} in, after_init: {0} out, before_perform: {0} in, "
        "after_perform: {0} out, after_run: {0} out}}"
    )

    stack = net_prod(
        write(
            a_config(
                "contexts: [one, two]\n" + hooks.format("stack"),
                defaults=hooks.format("defaults"),
                top=f"contexts:\n  one: {{{hooks.format('one')}}}\n"
                f"  two: {{{hooks.format('two')}}}",
            )
        )
    )

    inward = ("defaults in", "one in", "two in", "stack in")
    outward = ("stack out", "two out", "one out", "defaults out")
    assert stack.hooks == Hooks(
        before_init=inward,
        after_init=outward,
        before_perform=inward,
        after_perform=outward,
        after_run=outward,
    )


def test_each_limit_is_the_stacks_or_else_that_of_defaults(write: Write) -> None:
    stack = net_prod(
        write(
            a_config(
                "limits: {memory: 2g, silence_timeout: none}",
                defaults="limits: {memory: 1g, cpus: 2, silence_timeout: 5m, "
                "output: 1g}",
            )
        )
    )

    assert stack.limits == Limits(
        memory=2 << 30, cpus=2.0, silence_timeout=None, output=1 << 30
    )


def test_a_stack_without_init_can_have_none_where_defaults_have_one(
    write: Write,
) -> None:
    stack = net_prod(write(a_config('init: ""', defaults="init: terraform init")))

    assert stack.init == ""


def test_off_is_a_way_to_write_no_silence_timeout(write: Write) -> None:
    stack = net_prod(
        write(
            a_config(
                "limits: {silence_timeout: off}",
                defaults="limits: {silence_timeout: 5m}",
            )
        )
    )

    assert stack.limits.silence_timeout is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [("./infra.git", "{base}/infra.git"), ("https://x/i.git", "https://x/i.git")],
)
def test_a_repository_beside_the_file_is_found_from_there(
    write: Write, tmp_path: Path, written: str, meant: str
) -> None:
    stack = net_prod(write(a_config(f"source: {{git: '{written}', ref: v1.2}}")))

    assert stack.source == GitSource(url=meant.format(base=tmp_path), ref="v1.2")


def test_anchors_and_merge_keys_work_and_are_no_keys_that_stand_twice(
    write: Write,
) -> None:
    stack = net_prod(
        write(
            a_config(
                "env: {<<: *usual, A: own}",
                top="contexts: {some: {env: {A: there}}}",
            ).replace(
                "stacks:", "defaults: {env: &usual {A: usual, B: usual}}\nstacks:"
            )
        )
    )

    assert stack.env == {"A": "own", "B": "usual"}


def test_a_program_with_a_path_is_found_from_the_file(
    write: Write, tmp_path: Path
) -> None:
    stack = net_prod(write(a_config("secrets: {A: {command: [./get, a]}}")))

    assert stack.secrets["A"] == FromCommand(arguments=(str(tmp_path / "get"), "a"))


def test_the_init_tells_how_its_stack_is_deployed(write: Write) -> None:
    stack = net_prod(write(a_config("init: A=b tofu -chdir='li ve' init")))

    assert stack.program == "A=b tofu -chdir='li ve'"
    assert stack.deploy == Deploy(
        plan="A=b tofu -chdir='li ve' plan -input=false -out=\"$HANDRAIL_PLAN\"",
        apply="A=b tofu -chdir='li ve' apply -input=false \"$HANDRAIL_PLAN\"",
        summary="A=b tofu -chdir='li ve' show -json \"$HANDRAIL_PLAN\"",
    )


def test_a_stack_is_deployed_by_what_is_written_for_it(write: Write) -> None:
    own = "init: terraform init\ndeploy: {plan: ./plan.sh, apply: ./apply.sh}"

    stack = net_prod(write(a_config(own)))

    assert stack.deploy == Deploy(plan="./plan.sh", apply="./apply.sh")


@pytest.mark.parametrize("word", ["none", "no", "off"])
def test_a_stack_that_says_none_is_not_deployed_at_all(write: Write, word: str) -> None:
    defaults = "init: terraform init\ndeploy: {plan: ./plan.sh, apply: ./apply.sh}"

    stack = net_prod(write(a_config(f"deploy: {word}", defaults=defaults)))

    assert (stack.deploy, stack.program) == (None, "terraform")


def test_the_last_context_that_says_how_to_deploy_wins_with_all_it_says(
    write: Write,
) -> None:
    contexts = """
    contexts:
      first: {deploy: {plan: a, apply: b, summary: c}}
      second: {deploy: {plan: d, apply: e}}
      third: {env: {A: b}}
    """
    defaults = "deploy: {plan: x, apply: y, summary: z}"

    stacks = load(
        write(
            a_config(
                "contexts: [first, second, third]", defaults=defaults, top=contexts
            )
        )
    ).stacks

    assert stacks[StackName("net-prod")].deploy == Deploy(plan="d", apply="e")
    assert stacks[StackName("db-prod")].deploy == Deploy(
        plan="x", apply="y", summary="z"
    )
