// tauctl as a person or a script uses it, against a real daemon.

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/e2e/api_client.h"

namespace taud::e2e {
namespace {

using nlohmann::json;
using testing::HasSubstr;

struct Output {
  int code = -1;
  std::string text;  // standard output and standard error
};

// Runs tauctl through the shell. `arguments` are the test's own: no quoting.
Output Tauctl(const std::string& server, const std::string& arguments,
              bool errors = true) {
  const std::string command =
      absl::StrCat(TAUCTL_BINARY, " --server ", server, " ", arguments,
                   errors ? " 2>&1" : " 2>/dev/null");
  Output output;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[4096];
  while (const size_t n = fread(buffer, 1, sizeof(buffer), pipe)) {
    output.text.append(buffer, n);
  }
  output.code = WEXITSTATUS(pclose(pipe));
  return output;
}

json TauctlJson(const std::string& server, const std::string& arguments) {
  const Output output = Tauctl(server, "--json " + arguments, false);
  EXPECT_EQ(output.code, 0) << arguments << "\n" << output.text;
  json parsed = json::parse(output.text, nullptr, false);
  EXPECT_FALSE(parsed.is_discarded()) << arguments << "\n" << output.text;
  return parsed;
}

class TauctlTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = new TemporaryDirectory;
    daemon_ = new DaemonProcess(directory_->path() + "/data", QuickTraining());
    ASSERT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
    std::ofstream ratings(directory_->path() + "/ratings.csv");
    ratings << "userId,movieId,rating,timestamp\n";
    for (int u = 0; u < 40; ++u) {
      for (int i = 0; i < 12; ++i) {
        ratings << "u" << u << ",m" << (u * 3 + i * 7) % 60 << ","
                << (i % 6 == 5 ? 1 : 5) << "," << 1600000000 + 100 * u + i
                << "\n";
      }
    }
    // A bad line, and a time in the year 5000 that the server rejects.
    ratings << "broken line\nu1,m1,5,95617584000\n";
    std::ofstream movies(directory_->path() + "/movies.csv");
    movies << "movieId,title,genres\n";
    for (int i = 0; i < 60; ++i) {
      movies << "m" << i << ",\"Movie, " << i << "\","
             << (i % 2 == 0 ? "Even|All" : "All") << "\n";
    }
  }
  static void TearDownTestSuite() {
    delete daemon_;
    delete directory_;
    daemon_ = nullptr;
    directory_ = nullptr;
  }
  static std::string File(const std::string& name) {
    return directory_->path() + "/" + name;
  }

  static TemporaryDirectory* directory_;
  static DaemonProcess* daemon_;
};

TemporaryDirectory* TauctlTest::directory_ = nullptr;
DaemonProcess* TauctlTest::daemon_ = nullptr;

// One test for one session at the prompt: each step needs those before it.
TEST_F(TauctlTest, ASession) {
  const std::string server = daemon_->grpc_address();
  const json upserted =
      TauctlJson(server, "items upsert " + File("movies.csv"));
  EXPECT_EQ(upserted["upserted"], 60);

  const Output ingest = Tauctl(server, "ingest " + File("ratings.csv"));
  EXPECT_EQ(ingest.code, 1) << "a bad and a rejected line are no success";
  EXPECT_THAT(ingest.text, HasSubstr("user = userId, item = movieId"));
  EXPECT_THAT(ingest.text, HasSubstr("480 interactions acknowledged"));
  // The unreadable line is shown with its place, the rejected one with why.
  EXPECT_THAT(ingest.text, HasSubstr("ratings.csv:482: has 1 fields"));
  EXPECT_THAT(ingest.text, HasSubstr("ratings.csv:483: rejected: time_ms"));
  EXPECT_THAT(ingest.text, HasSubstr("1 bad lines, 1 rejected"));
  EXPECT_THAT(ingest.text, HasSubstr("--max-bad"));
  const Output again =
      Tauctl(server, "ingest --resume --max-bad 2 " + File("ratings.csv"));
  EXPECT_EQ(again.code, 0) << again.text;
  EXPECT_THAT(again.text, HasSubstr("all of it was sent before"));
  ASSERT_TRUE(ApiClient(*daemon_).WaitTrained(480));

  const json status = TauctlJson(server, "status");
  EXPECT_EQ(status["log"]["interactions"], "480");
  EXPECT_THAT(Tauctl(server, "status").text, HasSubstr("480 interactions"));

  const json recommended = TauctlJson(server, "recommend u1 -k 5");
  ASSERT_EQ(recommended["items"].size(), 5u);
  EXPECT_THAT(recommended["items"][0]["title"], HasSubstr("Movie, "));
  const json even = TauctlJson(server, "recommend u1 -k 60 --any-tag Even");
  EXPECT_LE(even["items"].size(), 30u);
  const Output table = Tauctl(server, "recommend u1 -k 5");
  EXPECT_THAT(table.text, HasSubstr("snapshot"));
  EXPECT_THAT(table.text, HasSubstr("Movie, "));

  // Rules, pages and exploration.
  const json boosted =
      TauctlJson(server, "recommend u1 -k 5 --boost Even=1 --boost All=0.1");
  for (const json& item : boosted["items"]) {
    EXPECT_EQ(std::stoi(item["id"].get<std::string>().substr(1)) % 2, 0);
  }
  EXPECT_EQ(
      TauctlJson(server, "recommend u1 -k 5 --max-per-tag 2")["items"].size(),
      2u)
      << "all of them have the tag All";
  const json only = TauctlJson(
      server,
      "recommend u1 -k 5 --include-seen --only m4 --only m5 --exclude m5");
  ASSERT_EQ(only["items"].size(), 1u);
  EXPECT_EQ(only["items"][0]["id"], "m4");
  const std::string ids = Tauctl(server, "recommend u1 -k 6 --ids").text;
  EXPECT_EQ(Tauctl(server, "recommend u1 -k 3 --pages 2 --ids").text, ids);
  const json first = TauctlJson(server, "recommend u1 -k 3");
  const json second =
      TauctlJson(server, "recommend u1 -k 3 --page-token " +
                             first["next_page_token"].get<std::string>());
  ASSERT_EQ(second["items"].size(), 3u);
  EXPECT_THAT(ids, HasSubstr(second["items"][0]["id"].get<std::string>()));
  const json explored =
      TauctlJson(server, "recommend u1 -k 5 --explore 0.5 --seed 7");
  EXPECT_EQ(explored,
            TauctlJson(server, "recommend u1 -k 5 --explore 0.5 --seed 7"));
  EXPECT_EQ(explored["exploration"]["share"], 0.5);

  EXPECT_EQ(TauctlJson(server, "similar m3 -k 4")["items"].size(), 4u);
  EXPECT_EQ(TauctlJson(server, "items get m3")["item"]["title"], "Movie, 3");
  EXPECT_EQ(TauctlJson(server, "users get u1 --limit 3")["history"].size(), 3u);
  EXPECT_EQ(
      TauctlJson(server,
                 "items upsert --id new --title New --tag Even")["upserted"],
      1);
  const json published = TauctlJson(server, "publish");
  const json snapshots = TauctlJson(server, "snapshots");
  EXPECT_EQ(snapshots["snapshots"][0]["version"], published["version"]);
  EXPECT_THAT(Tauctl(server, "snapshots").text, HasSubstr("trained through"));
  const std::string version = std::to_string(
      snapshots["snapshots"][0]["version"].is_string()
          ? std::stoull(snapshots["snapshots"][0]["version"].get<std::string>())
          : snapshots["snapshots"][0]["version"].get<uint64_t>());
  EXPECT_THAT(Tauctl(server, "snapshots show " + version).text,
              HasSubstr("temperatures"));
  EXPECT_EQ(TauctlJson(server, "snapshots keep " + version + " a.b")["kept_as"],
            "a.b");
  EXPECT_THAT(Tauctl(server, "snapshots").text, HasSubstr("kept as a.b"));
  EXPECT_THAT(Tauctl(server, "snapshots diff " + version).text,
              HasSubstr("mean cosine of an item's vectors"));
  EXPECT_EQ(TauctlJson(server, "snapshots release a.b")["kept_as"], "");
  EXPECT_THAT(Tauctl(server, "pause").text, HasSubstr("tauctl resume"));
  EXPECT_THAT(Tauctl(server, "resume").text, HasSubstr("goes on"));
  const std::string decisions = Tauctl(server, "decisions --limit 3").text;
  EXPECT_THAT(decisions, HasSubstr("resumed"));
  EXPECT_THAT(decisions, HasSubstr("released"));
  EXPECT_EQ(decisions.find("published"), std::string::npos);

  std::ofstream(File("test.txt")) << "u1 m0 m1 m2\nu2\nstranger m5\n";
  const json evaluated =
      TauctlJson(server, "lab eval-server --test " + File("test.txt"));
  EXPECT_EQ(evaluated["users"], 2);
  EXPECT_EQ(evaluated["answered_by_popularity"], 1);
  EXPECT_TRUE(evaluated.contains("recall@20"));
  EXPECT_TRUE(evaluated.contains("ndcg@20"));

  const json simulated =
      TauctlJson(server, "simulate --interactions 1000 --users 20 --items 100");
  EXPECT_EQ(simulated["accepted"], 1000);
  std::ofstream(File("late.csv")) << "user,item\nu1,late\nu2,late\nu3,late\n";
  ASSERT_EQ(Tauctl(server, "ingest " + File("late.csv") + " --wait 60").code,
            0);
  EXPECT_EQ(Tauctl(server, "similar late").code, 0);
  ASSERT_EQ(Tauctl(server, "pause").code, 0);
  const Output paused = Tauctl(
      server, "simulate --interactions 10 --users 2 --items 20 --wait 60");
  EXPECT_EQ(paused.code, 1);
  EXPECT_THAT(paused.text, HasSubstr("learning is paused; `tauctl resume`"));
  // Also of what an earlier run has sent.
  std::ofstream(File("later.csv")) << "user,item\nu1,later\n";
  ASSERT_EQ(Tauctl(server, "ingest " + File("later.csv")).code, 0);
  const Output sent_before =
      Tauctl(server, "ingest " + File("later.csv") + " --resume --wait 60");
  EXPECT_EQ(sent_before.code, 1) << sent_before.text;
  EXPECT_THAT(sent_before.text, HasSubstr("learning is paused"));
  for (const std::string wrong : {"nan", "0", "-1", "inf", "soon"}) {
    const Output output =
        Tauctl(server, "ingest " + File("late.csv") + " --wait=" + wrong);
    EXPECT_NE(output.code, 0) << wrong;
    EXPECT_THAT(output.text, HasSubstr("--wait")) << wrong;
    EXPECT_EQ(output.text.find("acknowledged"), std::string::npos) << wrong;
  }
  ASSERT_EQ(Tauctl(server, "resume").code, 0);
  const json bench = TauctlJson(
      server,
      "bench serve --duration 0.2 --warm-up 0 --concurrency 2 --rate 100 "
      "--user-file " +
          File("test.txt"));
  EXPECT_GT(bench["closed"]["requests_per_second"], 0);
  EXPECT_GT(bench["ratio_to_limit"], 0);
  EXPECT_EQ(bench["open"].size(), 1u);
  EXPECT_EQ(bench["open"][0]["errors"], 0);
}

TEST_F(TauctlTest, BenchServeStartsADaemonOfItsOwn) {
  const json bench = TauctlJson(
      daemon_->grpc_address(),
      "bench serve --items 500 --users 50 --dim 8 -k 5 --seen-per-user 10 "
      "--filter-selectivity 0.5 --swap-every 0.1 --duration 0.4 --warm-up 0.1 "
      "--concurrency 4 --load 0.5");
  EXPECT_EQ(bench["items"], 500);
  EXPECT_EQ(bench["closed"]["errors"], 0);
  EXPECT_GT(bench["echo"]["requests_per_second"], 0);
  EXPECT_GT(bench["faiss"]["queries_per_second"], 0);
  EXPECT_GT(bench["lone"]["calls"], 0);
  EXPECT_EQ(bench["open"][0]["errors"], 0);
  EXPECT_GT(bench["open"][0]["swaps"], 0);
  EXPECT_TRUE(bench["open"][0].contains("during_swaps"));
}

// Ended early, a bench leaves neither its daemon nor its directory.
TEST_F(TauctlTest, AnInterruptedBenchLeavesNothing) {
  const std::string temporary = File("bench");
  std::filesystem::create_directory(temporary);
  const std::string command = absl::StrCat(
      "TMPDIR=", temporary, " exec ", TAUCTL_BINARY,
      " bench serve --items 500 --users 50 --dim 8 -k 5 --duration 600"
      " >/dev/null 2>&1");
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  // The echo comes when taud serves: both have directories.
  const auto directories = [&] {
    return std::distance(std::filesystem::directory_iterator(temporary), {});
  };
  while (directories() < 2) {
    ASSERT_EQ(waitpid(child, nullptr, WNOHANG), 0) << "it ended by itself";
    std::this_thread::yield();
  }
  ASSERT_EQ(kill(child, SIGTERM), 0);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
  EXPECT_EQ(directories(), 0);
  for (const auto& process : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(process.path() / "cmdline");
    const std::string line((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(line.find(temporary), std::string::npos) << process.path();
  }
}

TEST_F(TauctlTest, ErrorsSayWhatToDo) {
  const std::string server = daemon_->grpc_address();
  const struct {
    std::string arguments;
    std::string message;
  } cases[] = {
      {"recommend u1 -k 0", "k: 0 is not allowed; allowed: 1 to 1000"},
      {"recommend", "user_id: is empty"},
      {"erase user u1 </dev/null", "Then say --yes"},
      {"erase items '[a,b]' --yes", "item [a,b] is unknown"},
      {"items upsert " + File("ratings.csv"), "looks like interactions"},
      {"recommend u1 --boost loud", "--boost loud is not TAG=AMOUNT"},
      {"recommend u1 --explore 2", "exploration"},
      {"similar nothing", "\"nothing\" is unknown"},
      {"ingest /nonexistent", "cannot read /nonexistent"},
      {"ingest " + File("ratings.csv") + " --format nonsense",
       "unknown format \"nonsense\"; one of"},
      {"ingest " + File("ratings.csv") + " --kind adore",
       "is not one of view, click"},
      {"items upsert", "give either a FILE of items or one item with --id"},
      {"lab eval-server --test /nonexistent", "cannot read /nonexistent"},
      {"simulate --genres 50 --items 10",
       "--genres 50 is more than --items 10"},
  };
  for (const auto& c : cases) {
    const Output output = Tauctl(server, c.arguments);
    EXPECT_EQ(output.code, 1) << c.arguments;
    EXPECT_THAT(output.text, HasSubstr(c.message)) << c.arguments;
  }
  const Output unknown = Tauctl(server, "recomend u1");
  EXPECT_NE(unknown.code, 0);
  EXPECT_THAT(unknown.text, HasSubstr("did you mean recommend?"));
  EXPECT_NE(Tauctl(server, "frobnicate").code, 0);
  EXPECT_NE(Tauctl(server, "").code, 0);
}

TEST_F(TauctlTest, WithoutAServer) {
  // Port 1 of the loopback: nobody listens there.
  const Output status = Tauctl("127.0.0.1:1", "--timeout 5 status");
  EXPECT_EQ(status.code, 1);
  EXPECT_THAT(status.text, HasSubstr("is taud running there"));
  const Output ingest = Tauctl(
      "127.0.0.1:1", "ingest --retry-seconds 0.2 " + File("ratings.csv"));
  EXPECT_EQ(ingest.code, 1);
  EXPECT_THAT(ingest.text, HasSubstr("takes no interactions"));
}

// The daemon is killed and comes back on the same port while tauctl sends:
// everything arrives, exactly once thanks to event ids.
TEST_F(TauctlTest, IngestionOutlivesTheDaemon) {
  TemporaryDirectory directory;
  constexpr int kInteractions = 300000;
  {
    std::ofstream file(directory.path() + "/events.csv");
    file << "user,item,event_id\n";
    for (int i = 0; i < kInteractions; ++i) {
      file << "u" << i % 500 << ",i" << i % 700 << ",e" << i << "\n";
    }
  }
  const std::string data = directory.path() + "/data";
  auto daemon = std::make_unique<DaemonProcess>(data, QuickTraining());
  ASSERT_TRUE(daemon->WaitUntilServing()) << daemon->log();
  const std::string server = daemon->grpc_address();
  json result;
  std::thread tauctl([&] {
    result = TauctlJson(server, absl::StrCat("ingest --retry-seconds 120 ",
                                             directory.path(), "/events.csv"));
  });
  ApiClient(*daemon).WaitStatus([](const v1::Status& status) {
    return status.log().interactions() > 20000;
  });
  daemon->Kill();
  std::vector<std::string> same_port = QuickTraining();
  same_port.push_back("--set");
  same_port.push_back("server.grpc_address=" + server);
  daemon = std::make_unique<DaemonProcess>(data, same_port);
  EXPECT_TRUE(daemon->WaitUntilServing()) << daemon->log();
  tauctl.join();
  EXPECT_EQ(result["accepted"].get<int>() + result["duplicates"].get<int>(),
            kInteractions);
  EXPECT_EQ(ApiClient(*daemon).Status().log().interactions(),
            static_cast<uint64_t>(kInteractions));
}

TEST_F(TauctlTest, AnInterruptedIngestionIsResumed) {
  TemporaryDirectory directory;
  const std::string file = directory.path() + "/events.csv";
  {
    std::ofstream out(file);
    out << "user,item\n";
    for (int i = 0; i < 50000; ++i) out << "u" << i % 50 << ",i" << i << "\n";
    out << "one bad line\n";
    for (int i = 0; i < 1000; ++i) out << "v,i" << i << "\n";
  }
  DaemonProcess daemon(directory.path() + "/data", QuickTraining());
  ASSERT_TRUE(daemon.WaitUntilServing());
  const std::string server = daemon.grpc_address();
  const Output stopped = Tauctl(server, "ingest --strict " + file);
  EXPECT_EQ(stopped.code, 1);
  EXPECT_THAT(stopped.text, HasSubstr("--resume"));
  EXPECT_EQ(Tauctl(server, "ingest --resume --kind like " + file).code, 1)
      << "other options make other interactions";
  const uint64_t before = ApiClient(daemon).Status().log().interactions();
  const json resumed =
      TauctlJson(server, "ingest --resume --max-bad 1 " + file);
  EXPECT_EQ(resumed["bad_lines"], 1);
  EXPECT_GT(resumed["skipped"], 0);
  EXPECT_EQ(resumed["skipped"].get<int>() + resumed["accepted"].get<int>(),
            51000);
  // What was on its way when it stopped may be there twice, no more than that.
  const uint64_t after = ApiClient(daemon).Status().log().interactions();
  EXPECT_GE(after, 51000u);
  EXPECT_LE(after, 51000u + 17000u) << "before: " << before;
  // Nothing is left to resume.
  const json finished = TauctlJson(server, "ingest --resume " + file);
  EXPECT_EQ(finished["accepted"], 0);
  EXPECT_EQ(finished["skipped"], 51000);
  EXPECT_EQ(ApiClient(daemon).Status().log().interactions(), after);
  // Not at a server that has none of it, nor after an edit.
  const Output elsewhere =
      Tauctl(daemon_->grpc_address(), "ingest --resume " + file);
  EXPECT_EQ(elsewhere.code, 1);
  EXPECT_THAT(elsewhere.text, HasSubstr("it is another server"));
  std::ofstream(file, std::ios::app) << "v,more\n";
  const Output edited = Tauctl(server, "ingest --resume " + file);
  EXPECT_EQ(edited.code, 1);
  EXPECT_THAT(edited.text, HasSubstr("is not what it was"));
  // A pipe can be read once only, and has no note.
  const std::string pipe = directory.path() + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] {
    std::ofstream out(pipe);
    out << "user,item\n";
    for (int i = 0; i < 50000; ++i) out << "w,i" << i << "\n";
  });
  EXPECT_EQ(TauctlJson(server, "ingest " + pipe)["accepted"], 50000);
  writer.join();
  EXPECT_FALSE(std::filesystem::exists(pipe + ".ingest-progress"));
}

}  // namespace
}  // namespace taud::e2e
