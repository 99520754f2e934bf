"""Bodies that are read as a whole share one room, and the oldest is always read on."""

from attrs import define

from jackfield._client.room import Room


@define(eq=False)
class Body:
    held: bool = False

    def hold(self) -> None:
        self.held = True

    def go_on(self) -> None:
        self.held = False


def test_when_the_room_is_full_only_the_oldest_is_read_on() -> None:
    room, old, young = Room(size=100), Body(), Body()
    room.take(old, 60)
    room.take(young, 60)
    room.take(old, 60)
    assert (old.held, young.held) == (False, True)


def test_what_leaves_makes_room_for_those_that_wait() -> None:
    room, old, young = Room(size=100), Body(), Body()
    room.take(old, 60)
    room.take(young, 60)
    room.leave(old)
    assert not young.held


def test_of_many_that_wait_in_a_full_room_the_next_oldest_goes_on() -> None:
    room, bodies = Room(size=100), [Body(), Body(), Body()]
    for body in bodies:
        room.take(body, 120)
    room.leave(bodies[0])
    assert [body.held for body in bodies[1:]] == [False, True]


def test_a_body_that_took_nothing_may_leave() -> None:
    room = Room(size=100)
    room.leave(Body())
