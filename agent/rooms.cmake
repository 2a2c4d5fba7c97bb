# The rooms of agent/, from the ground up, and what each may include of ours beside itself. The build
# links by it and tests/layering.cmake holds every #include to it.
set(ROOMS core config output archive follow notify lists farm history state report tune service check commands)
set(core_MAY parsers actions/lists/lsearch.h) # pure: no clock, no files, no environment
set(config_MAY core parsers actions)
set(output_MAY core parsers actions)
set(archive_MAY core config parsers actions)
set(follow_MAY core archive parsers actions)
set(notify_MAY core config output parsers actions)
set(lists_MAY core follow parsers actions)
set(farm_MAY core config parsers actions)
set(history_MAY core output lists parsers actions)
set(state_MAY core follow notify lists farm history parsers actions)
set(report_MAY core config output archive state parsers actions)
set(tune_MAY core config output archive report parsers actions)
set(service_MAY core config output follow notify lists farm history state parsers actions)
set(check_MAY core config follow notify lists farm history state service parsers actions)
set(commands_MAY core config output archive follow notify lists farm history state report tune service check parsers actions)

# What only the rooms named may include of the system: a core that cannot ask for the time or open a
# file gives the same decisions for the same bytes.
set(core_NEVER <filesystem> <fstream> <iostream> <cstdio> <cstdlib> <ctime> <unistd.h> <fcntl.h>
  <sys/.*> <curl/.*> <sqlite3.h> <thread> <mutex> <future> <boost/asio.*>)
set(core_NEVER_SAYS "_clock::now|getenv|[^_a-z]time\\(")
