"""Small flows that the tests of several faces run."""

HELLO = """\
id: hello
namespace: demo
inputs:
  - id: who
    type: STRING
    defaults: World
tasks:
  - id: greet
    type: io.kestra.plugin.core.debug.Return
    format: "Hello {{ inputs.who }}"
"""
GATED = """\
id: gated
namespace: demo
tasks:
  - id: before
    type: io.kestra.plugin.core.debug.Return
    format: draft
  - id: gate
    type: io.kestra.plugin.core.flow.Pause
    description: "Is {{ outputs.before.value }} good?"
    onResume:
      - id: stage
        type: SELECT
        values: [dev, prod]
        defaults: dev
  - id: after
    type: io.kestra.plugin.core.debug.Return
    format: "to {{ outputs.gate.onResume.stage }}"
"""
TWICE = """\
id: twice
namespace: demo
tasks:
  - id: first
    type: io.kestra.plugin.core.flow.Pause
  - id: second
    type: io.kestra.plugin.core.flow.Pause
"""
SLEEPS = """\
id: sleeps
namespace: demo
tasks:
  - id: nap
    type: io.kestra.plugin.core.flow.Sleep
    duration: PT60S
"""
FAILS = """\
id: fails
namespace: demo
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: about to fail
  - id: stop
    type: io.kestra.plugin.core.execution.Fail
    errorMessage: not today
"""
SLIP = """\
id: bad
namespace: demo
tasks:
  - id: a
    type: io.kestra.plugin.core.log.Log
    mesage: hi
"""
SECRET = """\
id: secretive
namespace: demo
inputs:
  - id: key
    type: SECRET
tasks:
  - id: greet
    type: io.kestra.plugin.core.debug.Return
    format: done
"""

CALLS = """\
id: calls
namespace: demo
tasks:
  - id: call
    type: io.kestra.plugin.core.flow.Subflow
    namespace: demo
    flowId: gated
"""

LEAVES = """\
id: leaves
namespace: demo
tasks:
  - id: call
    type: io.kestra.plugin.core.flow.Subflow
    namespace: demo
    flowId: slow
    wait: false
"""

SLOW = """\
id: slow
namespace: demo
tasks:
  - id: work
    type: io.kestra.plugin.core.flow.Sleep
    duration: PT1S
"""

ONE_AT_A_TIME = """\
id: single
namespace: demo
concurrency:
  limit: 1
tasks:
  - id: gate
    type: io.kestra.plugin.core.flow.Pause
"""
UNKNOWN = """\
id: elsewhere
namespace: demo
tasks:
  - id: first
    type: io.kestra.plugin.core.debug.Return
    format: here
  - id: strange
    type: io.kestra.plugin.core.debug.Retrun
    format: "{{ outputs.first.value }}"
"""
