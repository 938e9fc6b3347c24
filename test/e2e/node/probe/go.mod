module nestjs-leader.test/probe

go 1.24
