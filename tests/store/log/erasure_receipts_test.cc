#include "store/log/erasure_receipts.h"

#include <string>

#include "gtest/gtest.h"

namespace taud::store {
namespace {

Erasure Receipt(const std::string& id, uint32_t index) {
  Erasure erasure;
  erasure.id = id;
  erasure.record.index = index;
  return erasure;
}

Erasure Complete(Erasure erasure) {
  erasure.record.gone_ms.fill(1700000000000);
  return erasure;
}

TEST(ErasureReceiptsTest, PendingUntilEveryCopyIsGone) {
  ErasureReceipts receipts;
  receipts.Put(Receipt("a", 1));
  receipts.Put(Receipt("b", 2));
  EXPECT_EQ(receipts.Pending().size(), 2u);

  Erasure a = Complete(Receipt("a", 1));
  a.record.gone(ErasedCopy::kLog) = 0;
  receipts.Put(a);
  EXPECT_EQ(receipts.Pending().size(), 2u);

  receipts.Put(Complete(a));
  ASSERT_EQ(receipts.Pending().size(), 1u);
  EXPECT_EQ(receipts.Pending()[0].id, "b");
}

TEST(ErasureReceiptsTest, IsFoundWhateverItsState) {
  ErasureReceipts receipts;
  EXPECT_EQ(receipts.Find("a"), nullptr);
  receipts.Put(Receipt("a", 1));
  ASSERT_NE(receipts.Find("a"), nullptr);
  EXPECT_FALSE(receipts.Find("a")->record.complete());
  receipts.Put(Complete(Receipt("a", 1)));
  EXPECT_TRUE(receipts.Find("a")->record.complete());
  // What was read again after a failed write may be older.
  receipts.Put(Receipt("a", 1));
  EXPECT_FALSE(receipts.Find("a")->record.complete());
  EXPECT_EQ(receipts.Pending().size(), 1u);
}

TEST(ErasureReceiptsTest, ASecondCallIsToldFromOneAboutSomebodyElse) {
  const Erasure known = Receipt("ticket", 7);  // of a user
  const struct {
    ErasureSubject subject;
    bool still_known;
    bool same;
  } cases[] = {
      {ErasureSubject::kUser, false, true},
      {ErasureSubject::kUser, true, false},
      {ErasureSubject::kItem, false, false},
      {ErasureSubject::kItem, true, false},
  };
  for (const auto& c : cases) {
    const absl::Status status =
        CheckSameErasure(known, c.subject, "bob", c.still_known);
    EXPECT_EQ(status.code(),
              c.same ? absl::StatusCode::kOk : absl::StatusCode::kAlreadyExists)
        << status;
  }
}

}  // namespace
}  // namespace taud::store
