# `rayform test`: what the module promises, tried on a sandbox.

run "teams_do_not_meet" {
  variables {
    teams = {
      one = { cpu = 16, memory = "64Gi" }
      two = { cpu = 16, memory = "64Gi" }
    }
  }

  assert {
    condition     = length(distinct(values(output.dashboards))) == 2
    error_message = "Each team has a dashboard of its own."
  }
}

run "names_are_checked" {
  command = plan

  variables {
    teams = { "Team One" = { cpu = 16, memory = "64Gi" } }
  }

  expect_failures = [var.teams]
}
