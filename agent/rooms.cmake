# The rooms of agent/, from the ground up, and what each may include of ours beside itself. The build
# links by it and tests/layering.cmake holds every #include to it.
set(ROOMS values core config output archive follow notify lists farm history state report tune service check commands)
set(values_MAY parsers)
set(core_MAY values parsers actions/lists/lsearch.h) # pure: no clock, no files, no environment
set(config_MAY values core parsers actions)
set(output_MAY values core parsers actions)
set(archive_MAY values core config parsers actions)
set(follow_MAY values core archive parsers actions)
set(notify_MAY values core config output parsers actions)
set(lists_MAY values core follow parsers actions)
set(farm_MAY values core config parsers actions)
set(history_MAY values core output lists parsers actions)
set(state_MAY values core follow notify lists farm history parsers actions)
set(report_MAY values core config output archive notify history state parsers actions)
set(tune_MAY values core config output archive report parsers actions)
set(service_MAY values core config output follow notify lists farm history state report parsers actions)
set(check_MAY values core config follow notify lists farm history state service parsers actions)
set(commands_MAY values core config output archive follow notify lists farm history state report tune service check parsers actions)

# What only the rooms named may include of the system: a core that cannot ask for the time or open a
# file gives the same decisions for the same bytes.
set(core_NEVER <filesystem> <fstream> <iostream> <cstdio> <cstdlib> <ctime> <unistd.h> <fcntl.h>
  <sys/.*> <curl/.*> <sqlite3.h> <thread> <mutex> <future> <boost/asio.*>)
set(core_NEVER_SAYS "_clock::now|getenv|[^_a-z]time\\(")
set(values_NEVER ${core_NEVER})
set(values_NEVER_SAYS "${core_NEVER_SAYS}")
